"""Verify: re-read an export against its manifest, and look at each row as its trainer would."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, cast

from engine.errors import VerifyError
from engine.exports.manifests import find_project, hash_file, manifest_of, read_manifest
from engine.exports.predicting import Forecast, load_forecast
from engine.exports.preparing import count_prepared, require_trl
from engine.extents import find_change
from engine.formats.catalog import JudgingWriter, load_writer
from engine.map_writer import read_parquet_rows, read_table_rows
from engine.project import Project
from engine.rows import read_rows

TABLE = "selected"


class Verified(NamedTuple):
    """An export that is what its manifest says."""

    output: Path
    rows: int


def verify(output: Path) -> Verified:
    """Check bytes, number of rows and each row of an export. Raises VerifyError at the first difference."""
    if not output.exists():
        raise VerifyError(f"There is no {output}.")
    manifest = read_manifest(manifest_of(output))
    if hash_file(output) != manifest["output"]["sha256"]:
        raise VerifyError(f"{output} is not the file that was exported: its sha256 differs. Export it again.")
    counts = manifest["counts"]
    if counts["samples"] != counts["kept"] + sum(counts["dropped"].values()):
        raise VerifyError(f"{manifest_of(output)} does not add up: samples are not kept plus dropped.")
    rows = _check_rows(output, manifest["plan"]["format"])
    if rows != counts["rows"]:
        raise VerifyError(f"{output} holds {rows:,} rows, not {counts['rows']:,} as its manifest says.")
    _check_other_part(output, manifest.get("other_part"))
    return Verified(output, rows)


def verify_logs(output: Path, project: Path | None = None) -> Project | None:
    """Check that each review log still begins with the lines that an export was made from, and that its chain holds.

    The logs are those of `project`, else of the project of that name beside the export or here; None where it is not
    found. Raises VerifyError.
    """
    manifest = read_manifest(manifest_of(output))
    found = find_project(manifest, output, project)
    for one in manifest["reviews"] if found else ():
        path = cast(Project, found).reviews / one["log"]
        problem = find_change(path, one["lines"], one["head"])
        if problem:
            raise VerifyError(f"{path} is not what {output} was made from: {problem}. See: prefmap doctor P")
    return found


def try_trl(output: Path, tokenizer: str, max_length: int) -> Forecast:
    """Have TRL itself prepare an export; what it says counts above what is foreseen. Raises VerifyError."""
    require_trl()
    layout = read_manifest(manifest_of(output))["plan"]["format"]
    forecast = load_forecast(tokenizer, max_length, layout, VerifyError)
    rows = list(forecast.watch(map(dict, read_export(output))))
    if forecast.refused:
        raise VerifyError(
            f"{output}: the chat template of {forecast.name} does not take {forecast.refused:,} of {len(rows):,} rows, "
            f"and TRL would stop at the first, {forecast.first_refused}."
        )
    forecast.kept = count_prepared(rows, forecast.tokenizer, layout, max_length)
    return forecast


def _check_other_part(output: Path, named: Mapping[str, str] | None) -> None:
    """Where the other part lies beside this one, it must be that of the same export."""
    other = output.with_name(named["file"]) if named else None
    if named and other and other.exists() and hash_file(other) != named["sha256"]:
        raise VerifyError(
            f"{other} is not the other part of {output}: they are of two exports, and may share prompts. "
            "Export both again."
        )


def _check_rows(output: Path, format_name: str) -> int:
    writer = load_writer(format_name)
    answers: set[str] = set()
    number = 0
    for number, row in enumerate(read_export(output), start=1):
        if problem := writer.find_problem(row):
            raise VerifyError(f"{output}, row {number}: {problem}.")
        if hasattr(writer, "judge"):
            answer, _ = cast(JudgingWriter, writer).judge(row)
            if answer in answers:
                raise VerifyError(f"{output}, row {number}: an earlier row has the same answer.")
            answers.add(answer)
    return number


def read_export(output: Path) -> Iterator[Mapping[str, object]]:
    """Read the rows of an export, whatever kind of file it is."""
    if output.suffix == ".duckdb":
        return read_table_rows(output, TABLE)
    if output.suffix == ".parquet":
        return read_parquet_rows(output)
    return (row.values or {} for row in read_rows(output))
