"""Choosing: which samples an export has, by its policy, and which of its files each is in."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.errors import ExportRefusedError
from engine.exports.manifests import ExportPlan
from engine.exports.splitting import Part, Reasons, group_of, hold_out, split
from engine.project import Project
from engine.selecting import MapColumns, select
from engine.sources import SourceReader
from engine.statistics import rank_ids
from engine.store import Store


class Choice(NamedTuple):
    """What a policy selects."""

    absent: Reasons
    is_by_fitted_scorer: bool
    """Whether by a map whose scorer was fitted on the labels."""


def choose(project: Project, samples: SourceReader, plan: ExportPlan) -> Choice:
    """Ask the policy of a plan for each sample. Raises ExportRefusedError where the map is missing or older."""
    if plan.policy == "all":
        return Choice(np.full(len(samples), "", dtype=object), is_by_fitted_scorer=False)
    ids = np.array([sample.sample_id for sample in samples], dtype=object)
    nowhere = np.full(len(ids), np.nan)
    columns = MapColumns(nowhere, nowhere, rank_ids(ids))
    is_fitted = False
    if plan.policy != "random":
        with closing(Store.open(project.map)) as store:
            _check_map(project, store, ids)
            points, is_fitted = store.points(), store.is_fitted
        columns = columns._replace(quality=points.quality, variability=points.variability)
    kept = select(plan.policy, columns, fraction=plan.fraction, seed=plan.seed)
    return Choice(np.where(kept, "", f"not selected by policy {plan.policy}").astype(object), is_fitted)


def _check_map(project: Project, store: Store, ids: npt.NDArray[np.object_]) -> None:
    if not np.array_equal(store.sample_ids(), ids):
        raise ExportRefusedError(f"{project.map} is older than the imported files. Run: prefmap map {project.path}")


def divide(output: Path, samples: SourceReader, absent: Reasons, plan: ExportPlan) -> Sequence[Part]:
    """Give the files of an export: one, or two where some prompts are held out."""
    if plan.holdout is None:
        return [Part(output, absent)]
    if plan.format == "patch":
        raise ExportRefusedError("Changes are nothing to train on, so --holdout has no part in them. Leave it out.")
    return split(output, absent, hold_out([group_of(sample) for sample in samples], plan.holdout, plan.seed))
