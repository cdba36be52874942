"""Time how the lines of a judge's logs become scores, beside DuckDB that reads the same logs, in one run.

Example: python scripts/bench_merge.py --lines 1000000 10000000
"""

import argparse
import sys
import tempfile
from pathlib import Path

import duckdb
from bench_import import run

LOGS = 2
LINES_PER_RESPONSE = 5
"""Two aspects of two answers each, and one answer that came twice."""

WRITE = """
COPY (
    SELECT md5((line % $responses)::VARCHAR)[:16] AS response, hash(line) % 1000 / 100 AS value,
           if(line // $responses % 2 = 0, 'depth', 'style') AS part, 2 AS parts, line // $responses // 2 % 2 AS number,
           2 AS "of", 'Because of what stands in sentence ' || line % 89 || ', which is ' || hash(line) AS rationale
    FROM range($first, $last) AS lines(line) ORDER BY hash(line)
) TO '{log}' (FORMAT json)
"""
"""Answers in any order, as many calls at once leave them."""

MERGE = """
import sys
from pathlib import Path
from engine.map_writer import MapWriter
writer = MapWriter(Path(sys.argv[1]))
writer._connection.execute(
    "INSERT INTO response (response_id) SELECT md5(number::VARCHAR)[:16] FROM range(?) AS numbers(number)",
    [int(sys.argv[2])])
writer.add_scores("judge", [Path(log) for log in sys.argv[3:]], torn=[])
(count,) = writer._connection.execute("SELECT count(*) FROM score WHERE value IS NOT NULL").fetchone()
assert count == int(sys.argv[2]), count
"""

READ = """
import duckdb, sys
duckdb.connect(sys.argv[1]).execute("CREATE TABLE line AS SELECT * FROM read_json(?)", [sys.argv[2:]])
"""


def main() -> None:
    """Print one table per size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, nargs="+", default=[1_000_000])
    args = parser.parse_args()
    for count in args.lines:
        with tempfile.TemporaryDirectory() as folder:
            report(count, Path(folder))


def report(lines: int, folder: Path) -> None:
    """Write logs of so many lines, merge them, and print seconds, ratio and peak memory."""
    responses = lines // LINES_PER_RESPONSE
    logs = [folder / f"judge.{number}.jsonl" for number in range(LOGS)]
    for number, log in enumerate(logs):
        part = {"first": lines * number // LOGS, "last": lines * (number + 1) // LOGS, "responses": responses}
        duckdb.connect().execute(WRITE.format(log=log), part)
    names = [str(log) for log in logs]
    ours, peak = run([sys.executable, "-c", MERGE, str(folder / "map.duckdb"), str(responses), *names])
    read, read_peak = run([sys.executable, "-c", READ, str(folder / "lines.duckdb"), *names])
    print(f"{lines:,} lines of {responses:,} responses, {sum(log.stat().st_size for log in logs) / 1e6:,.0f} MB")
    print(f"  prefmap, merged         {ours:8.2f} s   prefmap / read_json {ours / read:6.2f}   peak {peak:8,.0f} MB")
    print(f"  DuckDB, read_json alone {read:8.2f} s   {'':26} peak {read_peak:8,.0f} MB")


if __name__ == "__main__":
    main()
