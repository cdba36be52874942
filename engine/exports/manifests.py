"""Manifests: what an export was made of, said so that it can be checked and made again."""

import hashlib
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from engine.exports.splitting import Part
from engine.logs import count_lines, is_empty, read_header
from engine.project import Project
from engine.store import Store
from engine.verdicts.residual import Residual

SUFFIX = ".manifest.json"


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """What to export, and how."""

    policy: str = "all"
    fraction: float = 1 / 3
    seed: int = 42
    format: str = "trl"
    holdout: float | None = None
    """Share of the prompts that go into a second file."""


def manifest_of(output: Path) -> Path:
    """Name the manifest that lies beside an export."""
    return output.with_name(output.name + SUFFIX)


def describe_export(
    project: Project,
    plan: ExportPlan,
    counts: Mapping[str, object],
    part: Part,
    hashes: Mapping[Path, str],
    forecast: Mapping[str, object] | None,
    residual: Residual | None,
) -> dict[str, object]:
    """Say all that a part of an export depends on; nothing in it changes when nothing of that does.

    `hashes` are those of all parts, by where they will lie.
    """
    return {
        "prefmap": version("prefmap"),
        "output": _name_file(part.output, hashes),
        **({"part": part.name, "other_part": _name_file(part.other, hashes)} if part.other else {}),
        "plan": asdict(plan),
        "counts": counts,
        **({"forecast": forecast} if forecast else {}),
        **({"residual_error": residual.describe()} if residual else {}),
        "sources": [
            {"name": file.name, "sha256": file.sha256, "format": file.format, "rows": file.rows,
             "samples": file.samples, "refused": len(file.refused)}
            for file in project.source_files()
        ],
        "scorers": [_describe_scorer(path) for path in project.score_logs() if not is_empty(path)],
        "reviews": [_describe_review(path) for path in project.review_logs()],
        **_describe_map(project),
    }  # fmt: skip


def _name_file(path: Path, hashes: Mapping[Path, str]) -> dict[str, str]:
    return {"file": path.name, "sha256": hashes[path]}


def _describe_review(path: Path) -> dict[str, object]:
    lines, head = count_lines(path)
    return {"log": path.name, "lines": lines, "head": head}


def _describe_scorer(path: Path) -> dict[str, object]:
    header = read_header(path)
    return {"log": path.name, **{key: header.get(key) for key in ("scorer", "identity", "parameters", "versions")}}


def _describe_map(project: Project) -> dict[str, object]:
    if not project.map.exists():
        return {"map": None, "cuts": []}
    with closing(Store.open(project.map)) as store:
        cuts = [asdict(cut) for cut in store.cuts() if cut.scorer == store.map_scorer]
        return {"map": {"fingerprint": store.fingerprint, "map_scorer": store.map_scorer}, "cuts": cuts}


def hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
