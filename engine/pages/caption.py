"""The caption of a map: what every picture of it says, on the screen, in a figure and on a page."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from engine.logs import Line, is_empty, read_header
from engine.project import Project
from engine.scores.score_logs import ENSEMBLE, FITTED_TYPES
from engine.store import Store

MODELS = ("model", "embedder", "policy")
"""Parameters that name what a scorer runs."""

REVISIONS = ("revision", "reference_revision")


def read_headers(project: Path, names: list[str]) -> dict[str, Line]:
    """Read the configuration of each scorer of a map from its log; those without a log are left out."""
    found: dict[str, Line] = {}
    for path in Project(project).score_logs():
        if is_empty(path):
            continue
        header = read_header(path)
        for name in (path.stem, str(header.get("scorer"))):
            if name in names:
                found.setdefault(name, header)
    return found


def describe_scorers(store: Store) -> str:
    """Say whose scores a map is made of, and how they were made comparable."""
    headers = read_headers(store.path.parent, list(store.scorers()))
    if store.map_scorer != ENSEMBLE:
        fitted = ", which was fitted on the dataset's own labels" if store.is_fitted else ""
        return f"Map of {_describe(store.map_scorer, headers)}{fitted}. Normaliser: none, raw scores."
    taken = [name for name in store.scorers() if headers.get(name, {}).get("type") not in FITTED_TYPES]
    constants = []
    for name in taken:
        scores = store.aligned_scores(name)
        if not np.isnan(scores).all():
            constants.append(f"{_describe(name, headers)}, mean {np.nanmean(scores):.6g}, sd {np.nanstd(scores):.6g}")
    return (
        "Map of the ensemble: the mean of z-scored scores, without scorers fitted on the labels. "
        f"Normaliser: z-score (ddof 0): {'; '.join(constants)}."
    )


def _describe(name: str, headers: Mapping[str, Line]) -> str:
    """Name a scorer with its model and the revision of that."""
    header = headers.get(name, {})
    parameters, facts = (
        {str(key): value for key, value in said.items()} if isinstance(said := header.get(part), dict) else {}
        for part in ("parameters", "facts")
    )
    kind = str(header.get("type") or "")
    said = [kind] if kind and kind != name else []
    models = [f"{key} {parameters[key]}" for key in MODELS if parameters.get(key)]
    revisions = [f"{key.replace('_', ' ')} {parameters[key]}" for key in REVISIONS if parameters.get(key)]
    if models and not revisions:
        revisions = ["revision not given"]
    said += [*models, *revisions, *(f"{key} {value}" for key, value in facts.items())]
    if parameters.get("lower_is_better"):
        said.append("lower is better, so turned")
    return f"{name} ({', '.join(said)})" if said else name


def describe_axes(axis: str, cuts: Mapping[str, float | None]) -> str:
    """Say what lies to the right and up; the cuts belong to variability."""
    quality = "Quality: the mean of a sample's scores."
    if axis == "margin":
        return f"{quality} Margin: chosen less rejected, in standard deviations of each scorer, mean over all scorers."
    if axis == "correlation":
        return f"{quality} Correlation: the cosine of a sample's labels and scores."
    written = ", ".join(f"{name} {value:.4g}" for name, value in cuts.items() if value is not None)
    return f"{quality} Variability: their population variance (ddof 0). Cuts: {written or 'none'}."


def count_samples(total: int, shown: int, unplaced: int, axis: str) -> str:
    """Say how many samples are drawn, and why the others are not."""
    return (
        f"Samples: {shown:,} of {total:,} shown; hidden: {total - unplaced - shown:,} out of view, "
        f"{unplaced:,} without {axis} or quality."
    )
