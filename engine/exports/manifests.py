"""Manifests: what an export was made of, said so that it can be checked and made again."""

import hashlib
import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from engine.errors import VerifyError
from engine.exports.pairing import BEST_WORST
from engine.exports.splitting import Part
from engine.logs import is_empty, read_header
from engine.project import Project
from engine.store import Store
from engine.verdicts.residual import Residual
from engine.verdicts.steps import History

SUFFIX = ".manifest.json"

CONSENSUS = "consensus"
"""What the mean of the ranks on several maps is called where a map is named."""


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """What to export, and how."""

    policy: str = "all"
    fraction: float = 1 / 3
    seed: int = 42
    format: str = "trl"
    holdout: float | None = None
    """Share of the prompts that go into a second file."""

    pairs: str = BEST_WORST
    """The rule by which a sample of more than two responses gives pairs."""

    map_scorer: str | None = None
    """Whose map the policy goes by; None: that of the map scorer."""

    after_verdicts: bool = False
    """Whether the policy sees what verdicts made of the labels."""

    match: str | None = None
    """The policy that a random one is matched to; None: adm."""

    majority: bool = False
    """Whether more than half of the verdicts settle what reviewers differ on."""

    control: int = 0
    """The number of a random control, which is added to the seed of what is drawn; --holdout stays as it is."""

    def controls(self, count: int) -> "list[ExportPlan]":
        """Plan random samples with as many samples and pairs as this plan selects."""
        drawn = replace(self, policy="random_pairs", match=self.policy)
        return [replace(drawn, control=number) for number in range(1, count + 1)]


def manifest_of(output: Path) -> Path:
    """Name the manifest that lies beside an export."""
    return output.with_name(output.name + SUFFIX)


def control_of(output: Path, number: int) -> Path:
    """Name the file beside an export that holds one of its controls."""
    return output.with_name(f"{output.stem}.control-{number}{output.suffix}") if number else output


def describe_export(
    project: Project,
    plan: ExportPlan,
    counts: Mapping[str, object],
    part: Part,
    hashes: Mapping[Path, str],
    forecast: Mapping[str, object] | None,
    residual: Residual | None,
    histories: Mapping[str, History],
    selection: Mapping[str, object],
) -> dict[str, object]:
    """Say all that a part of an export depends on; nothing in it changes when nothing of that does.

    `hashes` are those of all parts, by where they will lie; `histories` what each review log said.
    """
    return {
        "prefmap": version("prefmap"),
        "project": project.name,
        "output": _name_file(part.output, hashes),
        **({"part": part.name, "other_part": _name_file(part.other, hashes)} if part.other else {}),
        "plan": asdict(plan),
        "counts": counts,
        **({"forecast": forecast} if forecast else {}),
        **({"selection": selection} if selection else {}),
        **({"residual_error": residual.describe()} if residual else {}),
        "sources": [
            {"name": file.name, "sha256": file.sha256, "stored": file.stored, "format": file.format,
             "dimension": file.dimension, "columns": file.columns, "rows": file.rows, "samples": file.samples,
             "refused": len(file.refused)}
            for file in project.source_files()
        ],
        "scorers": [_describe_scorer(path) for path in project.score_logs() if not is_empty(path)],
        "reviews": [{"log": name, "lines": one.lines, "head": one.head} for name, one in histories.items()],
        **_describe_map(project, plan.map_scorer),
    }  # fmt: skip


def _name_file(path: Path, hashes: Mapping[Path, str]) -> dict[str, str]:
    return {"file": path.name, "sha256": hashes[path]}


def _describe_scorer(path: Path) -> dict[str, object]:
    header = read_header(path)
    return {"log": path.name, **{key: header.get(key) for key in ("scorer", "identity", "parameters", "versions")}}


def _describe_map(project: Project, scorer: str | None) -> dict[str, object]:
    if not project.map.exists():
        return {"map": None, "cuts": []}
    with closing(Store.open(project.map)) as store:
        wanted = scorer or store.map_scorer
        cuts = [asdict(cut) for cut in store.cuts() if wanted in (cut.scorer, CONSENSUS)]
        logs = json.loads(store.meta.get("logs", "null"))
        named = {"fingerprint": store.fingerprint, "map_scorer": store.map_scorer, "logs": logs}
        return {"map": named, "cuts": cuts}


def read_manifest(path: Path) -> dict[str, Any]:
    """Read a manifest. Raises VerifyError where it is missing, or none of prefmap."""
    if not path.exists():
        raise VerifyError(f"There is no {path}: only an export with its manifest can be verified.")
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        counts = manifest["counts"]
        manifest["output"]["sha256"], manifest["plan"]["format"]
        counts["samples"] + counts["kept"] + counts["rows"] + sum(counts["dropped"].values())
        if "other_part" in manifest:
            path.with_name(manifest["other_part"]["file"]), manifest["other_part"]["sha256"]
        [(one["log"], one["lines"] + 0, one["head"]) for one in manifest["reviews"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise VerifyError(f"{path} is no manifest of prefmap ({error!r}).") from error
    return manifest


def find_project(manifest: Mapping[str, Any], beside: Path, given: Path | None) -> Project | None:
    """Find the project that an export is of: as given, else beside the export or here; None where it is not."""
    if given:
        return Project.open(given)
    name = str(manifest.get("project") or "")
    places = [folder / name for folder in (beside.parent, Path()) if name]
    return next((Project.open(one) for one in places if (one / "source.json").is_file()), None)


def hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
