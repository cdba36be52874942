"""What an export says in the words of its source: the original rows with labels changed, or the changes alone."""

from collections.abc import Iterator

from engine.errors import ExportRefusedError, RowRefusedError
from engine.exports.drafting import Drafting
from engine.exports.lines import Draft
from engine.formats.catalog import is_grouped, load_format
from engine.project import Project
from engine.records import Pair, Sample
from engine.sources import Original
from engine.verdicts.outcomes import Decision

CANNOT_SAY = "the original row cannot say which of the two is better"


class Rewrites(Drafting[Original]):
    """The original row of each sample, with the labels that the verdicts make; a row without a verdict is untouched."""

    def read(self) -> Iterator[Original]:
        return self.samples.with_rows()

    def draft(self, item: Original) -> Draft:
        if not self.outcomes.on(item.sample.content_id):
            return Draft([dict(item.row)])
        decision = self.outcomes.decide(item.sample)
        if decision.pair is None:
            return Draft([], decision.reason)
        try:
            return Draft([rewrite(item, decision.pair)], changed=decision.changed)
        except RowRefusedError as error:
            return Draft([], str(error))


def rewrite(original: Original, pair: Pair) -> dict[str, object]:
    """Give a row in which the one response of a pair is labelled better than the other."""
    sample, row, layout = original
    better, worse = sample.responses[pair.chosen].label, sample.responses[pair.rejected].label
    if better is None or worse is None or better == worse:
        raise RowRefusedError(CANNOT_SAY)
    return dict(row) if better > worse else layout.exchange(row, pair.chosen, pair.rejected)


class Patches(Drafting[Sample]):
    """Only what the verdicts changed: a row per sample whose label does not stand."""

    def read(self) -> Iterator[Sample]:
        return iter(self.samples)

    def draft(self, item: Sample) -> Draft:
        decision = self.outcomes.decide(item)
        if not self.outcomes.on(item.content_id) or not (decision.changed or decision.pair is None):
            return Draft([], "label stands")
        return Draft([self._describe(item, decision)], changed=True)

    def _describe(self, sample: Sample, decision: Decision) -> dict[str, object]:
        return {
            "sample_id": sample.sample_id,
            "source": {"file": sample.file, "row": sample.row},
            "before": _name_pair(sample.pair),
            "after": _name_pair(decision.pair) or decision.reason,
            "verdicts": [
                {
                    "verdict": one.verdict,
                    "reviewer": one.reviewer,
                    "time": one.time,
                    "note": self.outcomes.note(sample.content_id, one.reviewer),
                    "bulk": one.is_bulk,
                    "adjudicates": one.adjudicates,
                }
                for one in self.outcomes.on(sample.content_id)
            ],
        }


def _name_pair(pair: Pair | None) -> dict[str, int] | None:
    return {"chosen": pair.chosen, "rejected": pair.rejected} if pair else None


def check_rewritable(project: Project, ending: str) -> None:
    """Refuse formats whose rows hold one response each, and kinds of files that rows of any shape do not fit."""
    if ending != ".jsonl":
        raise ExportRefusedError(f"Original rows and changes are written as .jsonl, not {ending}.")
    for file in project.source_files():
        if is_grouped(load_format(file.format, file.dimension, file.columns)):
            raise ExportRefusedError(
                f"The rows of {file.name} hold one response each ({file.format}), so none of them can be exchanged. "
                "Use another --format, kto say."
            )
