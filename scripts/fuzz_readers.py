"""Damage rows and files of every format, import and export them, and check that nothing crashes and no row is lost.

Example: TMPDIR=/dev/shm python scripts/fuzz_readers.py --minutes 10 --seed 1
"""

import argparse
import resource
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from random import Random
from time import process_time
from typing import NamedTuple

from fuzz_checks import SLOW, Counted, attempt, check_row, check_samples, reading_of, require
from fuzz_exports import check_exports
from fuzz_mutations import damage, mutate_row, write_rows
from fuzz_rows import SEEDS, Json

from engine.importing import import_file, preview
from engine.project import Project
from engine.rows import read_rows
from engine.sources import detect_file

ENDINGS = (".jsonl", ".jsonl", ".jsonl.gz", ".jsonl.zst", ".json", ".json.gz", ".json.zst", ".csv", ".csv.gz", ".tsv",
           ".parquet")  # fmt: skip
MOST_ROWS = 40
REAL_ROWS = 500
"""Rows of a real file to draw from."""

SMOKE_SECONDS = 4.0

Seeds = dict[str, list[Json]]


class Round(NamedTuple):
    """One file to be checked."""

    path: Path
    format: str
    rows: list[Json]
    is_damaged: bool
    """Whether its bytes were damaged, so that the number of its rows is not known."""


def main() -> int:
    """Run rounds until the time is up; the exit code is 1 when one failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--round", type=int, help="Run this round alone, as a failure names it.")
    parser.add_argument("--rows", type=Path, nargs="*", default=[], help="Real files, whose rows are damaged, too.")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-failures"), help="Folder for files that failed.")
    parser.add_argument("--smoke", action="store_true", help=f"A run of {SMOKE_SECONDS:.0f} seconds.")
    args = parser.parse_args()
    seconds = SMOKE_SECONDS if args.smoke else args.minutes * 60
    seeds = {**SEEDS, **_read_real(args.rows)}
    began = time.monotonic()
    totals = [0, 0, 0, 0]
    with tempfile.TemporaryDirectory() as folder:
        number = args.round or 0
        while True:
            counted, failed = run_round(seeds, args.seed, number, Path(folder), args.keep)
            if failed:
                files = " ".join(map(str, args.rows))
                again = f"python scripts/fuzz_readers.py --seed {args.seed} --round {number}"
                print(f"  again: {again}{f' --rows {files}' if files else ''}", flush=True)
            for at, more in enumerate((1, counted.rows, counted.refused, failed)):
                totals[at] += more
            number += 1
            if args.round is not None or time.monotonic() - began > seconds:
                break
    spent, peak = time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{totals[0]:,} files, {totals[1]:,} rows, {totals[2]:,} refused, {spent:,.0f} s, peak {peak:,.0f} MB, "
          f"{totals[3]:,} failures")  # fmt: skip
    return int(totals[3] > 0)


def _read_real(files: Sequence[Path]) -> Seeds:
    """Take rows of real files; each file is a kind of its own, under the name of its format and its own."""
    found: Seeds = {}
    for file in files:
        rows = [dict(row.values) for row, _ in zip(read_rows(file), range(REAL_ROWS), strict=False) if row.values]
        found[f"{detect_file(file)} {file.name}"] = rows
    return found


def make_round(seeds: Seeds, draw: Random, folder: Path) -> Round:
    """Draw a format, some rows, what befalls them, and the kind of file."""
    name = draw.choice(list(seeds))
    rows = []
    for at in range(draw.choice([1, 2, 5, MOST_ROWS])):
        row: Json = dict(draw.choice(seeds[name]))
        if draw.random() < 0.3:
            row = {
                key: f"{text} {at // 3}" if isinstance(text, str) and " " in text else text for key, text in row.items()
            }
        rows.append(mutate_row(row, draw) if draw.random() < 0.5 else row)
    path = folder / f"rows{draw.choice(ENDINGS)}"
    is_damaged = draw.random() < 0.3
    if path.suffix == ".parquet":
        rows = [{key: value for key, value in row.items() if value not in ({}, [])} for row in rows[:2]]
    write_rows(path, rows, draw)
    if is_damaged:
        path.write_bytes(damage(path.read_bytes(), draw))
    return Round(path, name.split()[0], rows, is_damaged)


def run_round(seeds: Seeds, seed: int, number: int, folder: Path, keep: Path) -> tuple[Counted, bool]:
    """Make one file and check it; a failure is printed and its file is kept."""
    draw = Random(f"{seed}/{number}")
    clear(folder / "work")
    clear(folder / "made")
    made = None
    try:
        made = make_round(seeds, draw, folder / "made")
        if made is None:
            return Counted(), False
        for row in made.rows:
            for name in {made.format, draw.choice(list(SEEDS))}:
                check_row(row, name)
        exact = None if made.is_damaged or made.path.suffix == ".parquet" else _count(made)
        return check_file(made.path, made.format, folder / "work", exact_rows=exact), False
    except Exception as error:  # noqa: BLE001
        print(f"round {number}, {made.format if made else '?'}: {type(error).__name__}: {str(error)[:600]}")
        frames = traceback.extract_tb(error.__traceback__)
        print("  at " + ", ".join(f"{Path(one.filename).name}:{one.lineno}" for one in frames[-6:]))
        if made:
            keep.mkdir(exist_ok=True)
            kept = keep / f"{seed}-{number}-{made.format}-{made.path.name}"
            kept.write_bytes(made.path.read_bytes())
            print(f"  file: {kept}")
        return Counted(), True


def check_file(path: Path, format_name: str, folder: Path, *, exact_rows: int | None) -> Counted:
    """Import, read back and export a file in a folder of its own. Raises BrokenError, or what crashed."""
    began = process_time()
    detected = attempt(lambda: preview(path))
    reading = reading_of(format_name)
    if detected is not None and detected.format != format_name:
        other = Project(folder / "detected.prefmap")
        check_samples(other, import_file(other, path).file, path)
    project = Project(folder / "p.prefmap")
    done = attempt(lambda: import_file(project, path, reading))
    if done is None:
        require(not project.path.exists(), "an import that failed left something behind")
        rows = attempt(lambda: sum(1 for _ in read_rows(path)))
        return Counted(rows or 0, rows or 0)
    file = done.file
    tally = preview(path, reading).tally
    require((tally.rows, tally.samples) == (file.rows, file.samples), "preview and import differ")
    require(exact_rows in (None, file.rows), f"{exact_rows} rows were written, {file.rows} read")
    samples = check_samples(project, file, path)
    spent = process_time() - began
    require(spent < SLOW + path.stat().st_size / 200_000, f"reading took {spent:.1f} s")
    check_exports(project, file, samples, path, folder)
    return Counted(file.rows, len(file.refused))


def clear(folder: Path) -> None:
    """Empty a folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def _count(made: Round) -> int | None:
    """Count the rows as they were written; a table without any cell has none to count."""
    if made.path.name.startswith(("rows.csv", "rows.tsv")):
        return None
    return len(made.rows)


if __name__ == "__main__":
    sys.exit(main())
