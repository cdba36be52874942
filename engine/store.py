"""map.duckdb: questions in our nouns go in, records and arrays come out. No SQL leaves this module."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.errors import SampleUnknownError
from engine.querying.columns import Columns, with_nan
from engine.records import Message, Response, Sample
from engine.schema import (
    ALIGNED_SCORES,
    BY_SUSPICION,
    ENTRY_COLUMNS,
    FROM_SAMPLES,
    MARGINS,
    ORDERS,
    PLACED,
    RESPONSES,
    SAMPLE,
    SCORES,
)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


PROMPT_SHOWN = 200
"""Characters of a prompt that a list shows."""


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """A sample as the queue shows it. quality to region are those of the map scorer."""

    ordinal: int
    sample_id: str
    content_id: str
    file: str
    row: int
    suspicion: float | None
    quality: float | None
    variability: float | None
    correlation: float | None
    margin: float | None
    region: str | None
    chosen: int | None
    rejected: int | None
    against: int
    """How many scorers stand against the label ..."""

    scorers: int
    """... out of how many that have a margin for this sample."""

    source: str
    flags: str


@dataclass(frozen=True, slots=True)
class Cut:
    """A threshold of a region."""

    scorer: str
    axis: str
    value: float | None
    rule: str
    ties: str
    samples: int
    nulls: int


class ScorerCoverage(NamedTuple):
    """How many of the dataset's different responses a scorer has a value for."""

    scored: int
    responses: int
    """Those that can have one: an empty response, say, is not counted."""

    @property
    def share(self) -> float:
        return self.scored / self.responses if self.responses else 0.0


class MapPoints(NamedTuple):
    """The map of one scorer as columns, in source order; NaN where there is no value."""

    quality: Floats
    variability: Floats
    suspicion: Floats
    margin: Floats
    """As the queue has it: over all scorers, each z-scored."""

    correlation: Floats
    region: npt.NDArray[np.object_]
    source: npt.NDArray[np.object_]
    """Empty where the row names none."""


class Store(Columns):
    """A map, open to be read."""

    @property
    def is_fitted(self) -> bool:
        """Whether the map scorer was fitted on the dataset's own labels."""
        return str(self.meta["map_is_fitted"]) == "True"

    @property
    def fingerprint(self) -> str:
        return str(self.meta["fingerprint"])

    def order(self, by: str) -> Ints:
        """List the ordinals of all samples in the order of the queue."""
        if by == "suspicion":
            found = self._columns(BY_SUSPICION)
            order = np.empty(len(found["place"]), dtype=np.int64)
            order[found["place"]] = found["ordinal"]
            return order
        return self._columns(f"SELECT sample.ordinal AS ordinal {FROM_SAMPLES} ORDER BY {ORDERS[by]}, sample.sample_id",
                             {"map_scorer": self.map_scorer})["ordinal"].astype(np.int64)  # fmt: skip

    def entries(self, ordinals: Sequence[int] | Ints) -> list[QueueEntry]:
        """Look samples up, in the order asked for."""
        wanted = [int(ordinal) for ordinal in ordinals]
        which = "= $wanted" if len(wanted) == 1 else "IN (SELECT unnest($wanted::INTEGER[]))"  # one is quicker found so
        rows = self._ask(
            f"{ENTRY_COLUMNS} WHERE sample.ordinal {which}",
            {"map_scorer": self.map_scorer, "wanted": wanted[0] if len(wanted) == 1 else wanted},
        )
        found = {row[0]: QueueEntry(*row) for row in rows}
        return [found[ordinal] for ordinal in wanted]

    def prompts(self, ordinals: Sequence[int] | Ints) -> list[str]:
        """Read the beginning of the last turn of each prompt, in the order asked for."""
        wanted = [int(ordinal) for ordinal in ordinals]
        rows = self._ask(
            "SELECT ordinal, left(prompt ->> '$[#-1][1]', $length) FROM sample "
            "WHERE ordinal IN (SELECT unnest($wanted::INTEGER[]))",
            {"wanted": wanted, "length": PROMPT_SHOWN},
        )
        found = dict(rows)
        return [found[ordinal] or "" for ordinal in wanted]

    def ordinals(self, content_ids: Sequence[str]) -> Ints:
        """Find the samples of these contents, duplicates included."""
        if not content_ids:
            return np.empty(0, dtype=np.int64)
        question = "SELECT ordinal FROM sample WHERE content_id IN (SELECT value FROM wanted)"
        return self._columns_of(question, np.array(content_ids, dtype=object))["ordinal"].astype(np.int64)

    def find(self, prefix: str) -> int:
        """Find the ordinal of the one sample whose id starts so; of exact duplicates the first, or `...-2` by name."""
        start, dash, copy = prefix.lower().partition("-")
        contents = self._ask(
            "SELECT DISTINCT content_id FROM sample WHERE starts_with(content_id, $start) ORDER BY content_id LIMIT 3",
            {"start": start},
        )
        if len(contents) > 1:
            found = ", ".join(content for (content,) in contents)
            raise SampleUnknownError(f"{prefix!r} fits several samples: {found}, ... Give more.")
        wanted = {"wanted": contents[0][0] + dash + copy if contents else ""}
        rows = self._ask("SELECT ordinal FROM sample WHERE sample_id = $wanted", wanted)
        if not rows:
            raise SampleUnknownError(f"No sample has an id that begins with {prefix!r}. See: prefmap queue")
        return int(rows[0][0])

    def sample(self, ordinal: int) -> Sample:
        """Read one sample, whole."""
        key = {"ordinal": int(ordinal)}
        (head,) = self._ask(SAMPLE, key)
        responses = tuple(
            Response(one, text, label, system or None, _read_turns(turns), extra=extra)
            for one, text, label, system, turns, extra in self._ask(RESPONSES, key)
        )
        sample_id, prompt, prompt_id, source, votes, tools, flags, file, row = head
        return Sample(
            sample_id=sample_id,
            prompt=_read_turns(prompt),
            prompt_id=prompt_id,
            responses=responses,
            source=source,
            votes=json.loads(votes or "{}"),
            tools=tools,
            flags=tuple(flag for flag in flags.split(",") if flag),
            file=file,
            row=row,
        )

    def scores(self, sample: Sample) -> dict[str, list[tuple[float | None, str]]]:
        """List for each scorer the value and the reason of each response of a sample."""
        ids = [response.response_id for response in sample.responses]
        rows = self._ask(SCORES, {"ids": ids})
        said = {(scorer, one): (value, reason) for scorer, one, value, reason in rows}
        return {name: [said.get((name, one), (None, "not scored")) for one in ids] for name in self.scorer_names}

    def rationales(self, sample: Sample) -> dict[str, list[str]]:
        """Give for each scorer that explains itself what it says of each response of a sample."""
        ids = [response.response_id for response in sample.responses]
        rows = self._ask(
            "SELECT scorer, response_id, rationale FROM score "
            "WHERE rationale IS NOT NULL AND response_id IN (SELECT unnest($ids::VARCHAR[]))",
            {"ids": ids},
        )
        said = {(scorer, one): str(text) for scorer, one, text in rows}
        return {name: [said.get((name, one), "") for one in ids] for name in sorted({row[0] for row in rows})}

    def margins(self, ordinal: int) -> dict[str, float | None]:
        """Give the z-scored margin of each scorer for one sample."""
        rows = self._ask("SELECT scorer, margin FROM point WHERE ordinal = $ordinal", {"ordinal": int(ordinal)})
        return {scorer: margin for scorer, margin in rows if scorer in self.scorer_names}

    @cached_property
    def scorer_names(self) -> list[str]:
        return [name for (name,) in self._ask("SELECT DISTINCT scorer FROM score ORDER BY scorer")]

    def scorers(self) -> dict[str, ScorerCoverage]:
        """Name the scorers, each with its coverage."""
        (total,) = self._ask("SELECT count(DISTINCT response_id) FROM response")
        rows = self._ask(
            "SELECT scorer, count(value), count_if(final AND value IS NULL) FROM score GROUP BY scorer ORDER BY scorer"
        )
        return {name: ScorerCoverage(scored, total[0] - never) for name, scored, never in rows}

    def points(self, scorer: str | None = None) -> MapPoints:
        """Read a whole map as columns; without a name that of the map scorer."""
        return MapPoints(
            quality=self.numbers("quality", scorer),
            variability=self.numbers("variability", scorer),
            suspicion=self.numbers("suspicion"),
            margin=self.numbers("margin"),
            correlation=self.numbers("correlation", scorer),
            region=self.names("region", scorer),
            source=self.names("source"),
        )

    def maps(self) -> list[str]:
        """Name the maps: one per scorer, and that of the ensemble where there is one."""
        return list(dict.fromkeys(cut.scorer for cut in self.cuts()))

    def placed_by(self, scorer: str) -> tuple[Floats, Floats, Floats]:
        """Give quality, variability and margin of each sample on the map of one scorer; NaN where there is none."""
        columns = self._columns(PLACED, {"scorer": scorer})
        quality, variability, margin = (with_nan(columns[name]) for name in ("quality", "variability", "margin"))
        return quality, variability, margin

    def sample_ids(self) -> npt.NDArray[np.object_]:
        return np.asarray(self._columns("SELECT sample_id FROM sample ORDER BY ordinal")["sample_id"], dtype=object)

    def directed(self) -> npt.NDArray[np.bool_]:
        """Say of each sample, in source order, whether its label prefers a response."""
        chosen = self._columns("SELECT chosen FROM suspicion ORDER BY ordinal")["chosen"]
        return np.asarray(~np.ma.getmaskarray(np.ma.asarray(chosen)))

    def answers(self) -> dict[str, npt.NDArray]:  # type: ignore[type-arg]
        """Read of all responses, in source order: response_id, ordinal, prompt_id, length in characters, and label."""
        columns = self._columns(
            "SELECT response_id, ordinal, prompt_id, length(text) AS length, value AS label "
            "FROM response JOIN label USING (ordinal, position) JOIN sample USING (ordinal) ORDER BY ordinal, position"
        )
        return {**columns, "label": with_nan(columns["label"])}

    def aligned_scores(self, scorer: str) -> Floats:
        """Give a scorer's value of each response in that order; NaN where there is none."""
        return with_nan(np.ma.asarray(self._columns(ALIGNED_SCORES, {"scorer": scorer})["value"]))

    def margin_table(self) -> dict[str, Floats]:
        """Give each scorer's margin of each sample, in source order; NaN where there is none, or nothing to choose."""
        names = [name for (name,) in self._ask("SELECT DISTINCT scorer FROM score ORDER BY scorer")]
        found = {name: self._columns(MARGINS, {"scorer": name})["margin"] for name in names}
        return {name: with_nan(np.ma.asarray(margin)) for name, margin in found.items()}

    def cuts(self) -> list[Cut]:
        return [Cut(*row) for row in self._ask("SELECT * FROM cut ORDER BY scorer, axis DESC")]

    def regions(self) -> dict[str, int]:
        """Count the samples in each region of the map scorer's map."""
        rows = self._ask(
            "SELECT region, count(*) FROM point WHERE scorer = $scorer AND region IS NOT NULL "
            "GROUP BY region ORDER BY region",
            {"scorer": self.map_scorer},
        )
        return dict(rows)


def _read_turns(text: str) -> tuple[Message, ...]:
    return tuple(Message(*parts) for parts in json.loads(text))
