"""Cards: what the page of a published export says, worked out from its manifest alone."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Manifest = Mapping[str, Any]

METHODS = {"kto": ("kto",), "same": (), "patch": ()}
"""Tags by format; all others are for DPO."""

SPLITS = ("train", "test")
"""What the hub calls the two parts of an export."""


def write_card(manifest: Manifest, held_out: Manifest | None = None) -> str:
    """Write the README.md of an export, with the manifest of its held-out part where there is one."""
    file, layout = _plain(manifest["output"]["file"]), manifest["plan"]["format"]
    parts = [part for part in (manifest, held_out) if part]
    head = ["---", *_configs([part["output"]["file"] for part in parts]), *_tags(layout), "---"]
    sections = (
        f"# {file}",
        f"Preference data exported by prefmap {_plain(manifest['prefmap'])}, in the format {_code(layout)}.",
        _write_plan(manifest["plan"]),
        _write_counts(parts),
        _write_residual_error(manifest),
        _write_scorers(manifest["scorers"]),
        _write_sources(manifest["sources"]),
        "`prefmap verify` checks a file that has its manifest beside it.",
    )
    return "\n".join(head) + "\n\n" + "\n\n".join(filter(None, sections)) + "\n"


def _configs(files: Sequence[str]) -> list[str]:
    """Tell the hub which file is which split; a DuckDB file it does not read."""
    if files[0].endswith(".duckdb"):
        return []
    named = zip(SPLITS, files, strict=False)
    data = [line for split, file in named for line in (f"  - split: {split}", f"    path: {json.dumps(file)}")]
    return ["configs:", "- config_name: default", "  data_files:", *data]


def _tags(layout: str) -> list[str]:
    return ["tags:", *(f"- {tag}" for tag in (*METHODS.get(layout, ("dpo",)), "preference", "prefmap"))]


def _write_plan(plan: Mapping[str, Any]) -> str:
    told = {
        "all": "Every sample, with the verdicts applied.",
        "adm": f"Low variability, then highest quality: {plan['fraction']:.3g} of the samples (policy `adm`).",
        "random": f"A random {plan['fraction']:.3g} of the samples (policy `random`, seed {plan['seed']}).",
    }
    policy = told.get(plan["policy"], _write_policy(plan))
    if not plan.get("holdout"):
        return policy
    return f"{policy} {plan['holdout']:.3g} of the prompts are held out (seed {plan['seed']}); none is in both files."


def _write_policy(plan: Mapping[str, Any]) -> str:
    by = f", by the map of {_code(plan['map_scorer'])}" if plan.get("map_scorer") else ""
    like = f", matched to `{plan['match'] or 'adm'}`" if plan["policy"].startswith("random_") else ""
    drawn = f", seed {plan['seed'] + plan['control']}" if like else ""
    return f"Policy {_code(plan['policy'])}: {plan['fraction']:.3g} of the samples{by}{like}{drawn}."


def _write_counts(parts: Sequence[Manifest]) -> str:
    reasons = sorted({reason for part in parts for reason in part["counts"]["dropped"]})
    rows = [
        ("rows", *(part["counts"]["rows"] for part in parts)),
        ("samples", *(part["counts"]["kept"] for part in parts)),
        ("labels changed by a reviewer", *(part["counts"]["changed"] for part in parts)),
        *(
            (f"left out: {_plain(reason)}", *(part["counts"]["dropped"].get(reason, 0) for part in parts))
            for reason in reasons
        ),
    ]
    return _table(("", *(_code(part["output"]["file"]) for part in parts)), rows)


def _write_residual_error(manifest: Manifest) -> str:
    """Say how many labels are still wrong, where a review with controls has measured it."""
    found = manifest.get("residual_error")
    if found is None:
        return ""
    said = (
        f"Of the labels of the whole project about {found['estimate']:.1%} are still wrong (95 % interval "
        f"{found['low']:.1%} to {found['high']:.1%}), as estimated from {found['controls']:,} random controls among "
        f"{found['read']:,} labels read; {found['reviewer_error']:.1%} of the verdicts are taken to be wrong."
    )
    return " ".join(filter(None, (said, advise_smoothing(found, manifest["plan"]["format"]))))


def advise_smoothing(residual_error: Mapping[str, Any], layout: str) -> str:
    """Say what the share of wrong labels means for TRL's robust DPO; empty where it means nothing."""
    share = round(residual_error["estimate"], 3)
    if layout in METHODS or not 0 < share < 0.5:
        return ""
    return f'For robust DPO in TRL that is loss_type="robust", label_smoothing={share:g}.'


def _write_scorers(scorers: Sequence[Mapping[str, Any]]) -> str:
    if not scorers:
        return ""
    rows = [(_code(one["scorer"]), _code(json.dumps(one.get("parameters") or {}, sort_keys=True))) for one in scorers]
    return "## Scorers\n\n" + _table(("scorer", "parameters"), rows)


def _write_sources(sources: Sequence[Mapping[str, Any]]) -> str:
    columns = ("file", "format", "rows", "samples", "refused rows", "sha256")
    rows = [
        (_code(one["name"]), one["format"], one["rows"], one["samples"], one["refused"], _code(one["sha256"]))
        for one in sources
    ]
    return "## Sources\n\n" + _table(columns, rows)


def _table(columns: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    lines = [[str(cell).replace("|", "\\|") for cell in line] for line in (columns, *rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _code(text: object) -> str:
    return "`" + _one_line(text).replace("`", "'") + "`"


def _plain(text: object) -> str:
    """Keep outside text out of the page's own marks."""
    return re.sub(r"([\\`*_<\[\]#])", r"\\\1", _one_line(text))


def _one_line(text: object) -> str:
    return " ".join(str(text).split())
