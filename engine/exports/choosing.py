"""Choosing: which samples an export has, by its policy, and which of its files each is in."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.errors import ExportRefusedError
from engine.exports.composing import Trait, compose
from engine.exports.manifests import CONSENSUS, ExportPlan
from engine.exports.splitting import Part, Reasons, group_of, hold_out, split
from engine.exports.surveying import Survey, survey
from engine.project import Project
from engine.scores.score_logs import ENSEMBLE, name_fitted
from engine.selecting import BY_MAP, MapColumns, agree, select
from engine.sources import SourceReader
from engine.statistics import average, rank_ids, standardise
from engine.store import Store
from engine.verdicts.outcomes import Outcomes

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
TAKEN_OUT = "taken out by a verdict before the selection"


class Choice(NamedTuple):
    """What a policy selects."""

    absent: Reasons
    is_by_fitted_scorer: bool = False
    """Whether by a map whose scorer was fitted on the labels."""

    scorer: str | None = None
    """Whose map the policy went by; None: by no map."""

    traits: Sequence[Trait] = ()
    """How what is selected differs from all."""

    means: Mapping[str, float | None] = {}
    """Of what is selected, on the map; empty where there is none."""

    confounded: Sequence[str] = ()
    """What a person should know of those differences; nothing where a random sample is to be like another."""

    def describe(self) -> dict[str, object]:
        """Say for a manifest what is selected; empty where nothing is known of it."""
        composition = {trait.name: trait.describe() for trait in self.traits}
        said = {"means": dict(self.means), "composition": composition}
        return {name: value for name, value in said.items() if value}


def choose(project: Project, samples: SourceReader, plan: ExportPlan, outcomes: Outcomes) -> Choice:
    """Ask the policy of a plan for each sample. Raises ExportRefusedError where the map is missing or older."""
    if plan.policy == "all":
        return Choice(
            np.full(len(samples), "", dtype=object), means=_average(project, np.arange(len(samples)), len(samples))
        )
    seen = survey(samples, outcomes, plan)
    ids = seen.ids
    nowhere = np.full(len(ids), np.nan)
    columns = MapColumns(nowhere, nowhere, rank_ids(ids), nowhere, seen.pairs, seen.stratum)
    scorer, is_fitted = None, False
    if plan.policy != "random":
        with closing(Store.open(project.map)) as store:
            _check_map(project, store, seen)
            fitted = name_fitted(project)
            scorer = _name_map(store, plan.map_scorer)
            named = _list_judges(store, fitted) if scorer == CONSENSUS else [scorer]
            columns = agree([_read_map(store, one, fitted, columns, seen, plan) for one in named])
            is_fitted = bool(fitted & set(named))
    reasons = np.full(len(ids), f"not selected by policy {plan.policy}", dtype=object)
    here = np.ones(len(ids), dtype=bool)
    if plan.after_verdicts:
        here[[ordinal for ordinal, pair in seen.changed.items() if pair is None]] = False
        reasons[~here] = TAKEN_OUT
    seed, match = plan.seed + plan.control, plan.match or "adm"
    kept = np.flatnonzero(here)[select(plan.policy, columns.take(here), fraction=plan.fraction, seed=seed, match=match)]
    reasons[kept] = ""
    traits = compose(seen, reasons == "")
    confounded = [str(trait) for trait in traits if trait.is_confounded and plan.policy in BY_MAP]
    return Choice(reasons, is_fitted, scorer, traits, _average(project, kept, len(ids)), confounded)


def _average(project: Project, kept: Ints, samples: int) -> dict[str, float | None]:
    """Average the map over what is selected; a control and its policy are averaged over the same map."""
    if not project.map.exists():
        return {}
    with closing(Store.open(project.map)) as store:
        if store.count("sample") != samples or not store.map_scorer:
            return {}
        names = ("quality", "variability", "margin")
        columns = dict(zip(names, store.placed_by(store.map_scorer), strict=True))
        columns["suspicion"] = store.points().suspicion
    return {name: _mean(column[kept]) for name, column in columns.items()}


def _mean(values: Floats) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None


def _check_map(project: Project, store: Store, seen: Survey) -> None:
    if not np.array_equal(store.sample_ids(), seen.ids):
        raise ExportRefusedError(f"{project.map} is older than the imported files. Run: prefmap map {project.path}")


def _name_map(store: Store, wanted: str | None) -> str:
    """Find the map that was asked for; without a name that of the map scorer."""
    if not wanted:
        return store.map_scorer
    known = [*store.maps(), CONSENSUS]
    fitting = [name for name in known if name == wanted] or [name for name in known if name.startswith(wanted)]
    if len(fitting) != 1:
        raise ExportRefusedError(f"No map is called {wanted!r}: there are {', '.join(known)}.")
    return fitting[0]


def _list_judges(store: Store, fitted: set[str]) -> list[str]:
    """Name the scorers whose consensus is asked for: those not fitted on the labels."""
    names = [name for name in store.maps() if name != ENSEMBLE and name not in fitted]
    if len(names) < 2:
        raise ExportRefusedError(
            f"A consensus needs two scorers that were not fitted on the labels, and there {_are(len(names))}. "
            "Run: prefmap score"
        )
    return names


def _are(count: int) -> str:
    return "is one" if count else "are none"


def _read_map(
    store: Store, scorer: str, fitted: set[str], columns: MapColumns, seen: Survey, plan: ExportPlan
) -> MapColumns:
    quality, variability, margin = store.placed_by(scorer)
    if plan.after_verdicts and seen.changed:
        margin = _turn(margin, seen, _read_scores(store, scorer, fitted))
    return columns._replace(quality=quality, variability=variability, margin=margin)


def _read_scores(store: Store, scorer: str, fitted: set[str]) -> Floats:
    """Give the z-scored score of each response, in source order."""
    if scorer != ENSEMBLE:
        return standardise(store.aligned_scores(scorer))
    others = [name for name in store.scorers() if name not in fitted]
    return standardise(average([standardise(store.aligned_scores(name)) for name in others]))


def _turn(margin: Floats, seen: Survey, scores: Floats) -> Floats:
    """Put the margins of what verdicts changed in place of those of the label."""
    turned = margin.copy()
    starts = np.cumsum(seen.responses) - seen.responses
    for ordinal, pair in seen.changed.items():
        at = starts[ordinal]
        turned[ordinal] = np.nan if pair is None else scores[at + pair.chosen] - scores[at + pair.rejected]
    return turned


def divide(output: Path, samples: SourceReader, absent: Reasons, plan: ExportPlan) -> Sequence[Part]:
    """Give the files of an export: one, or two where some prompts are held out."""
    if plan.holdout is None:
        return [Part(output, absent)]
    if plan.format == "patch":
        raise ExportRefusedError("Changes are nothing to train on, so --holdout has no part in them. Leave it out.")
    return split(output, absent, hold_out([group_of(sample) for sample in samples], plan.holdout, plan.seed))
