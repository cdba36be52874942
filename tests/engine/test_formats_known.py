"""Test sets with a known answer, and Preference-Dissection: how each row is read, refused and exchanged."""

import copy
import json
import math
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ConfigError, RowRefusedError
from engine.formats.catalog import FORMATS, GENERAL, detect_format, load_format, recognise
from engine.importing import import_file
from engine.project import Project
from engine.records import Message, Sample
from engine.rows import Row
from engine.sources import SourceReader, parse

Json = dict[str, Any]

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
PANDALM_FILE = DATA / "pandalm-testset.json"
LLMBAR_LABELS = {
    "natural": {1: 42, 2: 58},
    "neighbor": {1: 75, 2: 59},
    "gptinst": {1: 45, 2: 47},
    "gptout": {1: 22, 2: 25},
    "manual": {1: 22, 2: 24},
}
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"the real data of {DATA} is not here")

DISSECTION = {
    "query": "Name a prime.",
    "scenario_group": "Exam Questions",
    "response_1": {"content": "Seven.", "model": "m1", "num_words": 1},
    "response_2": {"content": "Nine.", "model": "m2", "num_words": 1},
    "preference_labels": {"human": "response_1", "m3": "response_2", "m4": "response_1"},
    "basic_response_1": {"clarity": 3},
}
PANDALM = {
    "idx": 0, "motivation_app": "Grammarly", "cmp_key": "m1_m2", "instruction": "Name a prime.", "input": "Below 10.",
    "response1": "Seven.", "response2": "Nine.", "annotator1": 1, "annotator2": 1, "annotator3": 1,
}  # fmt: skip
LLMBAR = {"input": "Name a prime.", "output_1": "Seven.", "output_2": "Nine.", "label": 1}
JUDGEBENCH = {
    "pair_id": "p1", "original_id": 7, "source": "mmlu-pro-math", "question": "Name a prime.", "response_model": "m1",
    "response_A": "Seven.", "response_B": "Nine.", "label": "A>B",
}  # fmt: skip
AUTOJ = {"scenario": "quiz", "label": 0, "prompt": "Name a prime.", "response 1": "Seven.", "response 2": "Nine."}
RMBENCH = {
    "id": 1, "prompt": "Name a prime.", "chosen": ["7", "Seven.", "**Seven.**"],
    "rejected": ["9", "Nine.", "**Nine.**"], "error_key": "nine", "domain": "math",
}  # fmt: skip
REWARDBENCH = {
    "prompt": "Name a prime.", "chosen": "Seven.", "chosen_model": "m1", "rejected": "Nine.", "rejected_model": "m2",
    "subset": "math-prm", "id": 3,
}  # fmt: skip

FIRST, SECOND, TIE, NONE = (1.0, 0.0), (0.0, 1.0), (0.5, 0.5), (None, None)
JUDGED = [{"m3": 0.0, "m4": 1.0}, {"m3": 1.0, "m4": 0.0}]


class Case(NamedTuple):
    format: str
    row: Json
    told: Sample
    dimension: str | None = None


def judged(**labels: object) -> Json:
    return {**DISSECTION, "preference_labels": {**DISSECTION["preference_labels"], **labels}}


def dissected(labels: object, *, columns: Any = JUDGED) -> Sample:
    return told(labels, columns=columns, source="Exam Questions")


def told(labels: Any, asked: str = "Name a prime.", texts: Any = ("Seven.", "Nine."), **rest: Any) -> Sample:
    return Sample.of(prompt=[Message("user", asked)], texts=texts, labels=labels, **rest)


def voted(*votes: object) -> Json:
    return {**PANDALM, **{f"annotator{n}": vote for n, vote in enumerate(votes, start=1)}}


def panda(labels: Any, **votes: int | None) -> Sample:
    return told(labels, "Name a prime.\nBelow 10.", source="Grammarly", votes=votes)


CASES = {
    "dissection": Case("dissection", DISSECTION, dissected(FIRST)),
    "dissection, second": Case("dissection", judged(human="response_2"), dissected(SECOND)),
    "dissection, no preference": Case("dissection", judged(human=None), dissected(NONE)),
    "dissection, another judge has none": Case(
        "dissection", judged(m4=None), dissected(FIRST, columns=[{"m3": 0.0, "m4": None}, {"m3": 1.0, "m4": None}])
    ),
    "dissection, another judge is the label": Case(
        "dissection",
        DISSECTION,
        dissected(SECOND, columns=[{"human": 1.0, "m4": 1.0}, {"human": 0.0, "m4": 0.0}]),
        "m3",
    ),
    "pandalm, unanimous": Case("pandalm", PANDALM, panda(FIRST, annotator1=0, annotator2=0, annotator3=0)),
    "pandalm, two to one": Case("pandalm", voted(2, 1, 2), panda(SECOND, annotator1=1, annotator2=0, annotator3=1)),
    "pandalm, two for a tie": Case(
        "pandalm", voted(0, 0, 1), panda(TIE, annotator1=None, annotator2=None, annotator3=0)
    ),
    "pandalm, three opinions": Case("pandalm", voted(0, 1, 2), panda(TIE, annotator1=None, annotator2=0, annotator3=1)),
    "pandalm, all tie": Case("pandalm", voted(0, 0, 0), panda(TIE, annotator1=None, annotator2=None, annotator3=None)),
    "pandalm, votes not cast": Case("pandalm", voted(None, -100, 2), panda(SECOND, annotator3=1)),
    "pandalm, one against one": Case("pandalm", voted(1, 2, None), panda(TIE, annotator1=0, annotator2=1)),
    "pandalm, no votes": Case("pandalm", voted(None, "N/A", math.nan), panda(NONE)),
    "pandalm, votes as text": Case(
        "pandalm", voted("2", "2.0", " 1."), panda(SECOND, annotator1=1, annotator2=1, annotator3=0)
    ),
    "pandalm, no input": Case(
        "pandalm",
        {**PANDALM, "input": "", "motivation_app": None},
        told(FIRST, votes={"annotator1": 0, "annotator2": 0, "annotator3": 0}),
    ),
    "pandalm, a response that is no text": Case(
        "pandalm",
        {**PANDALM, "response1": True},
        told(
            FIRST,
            "Name a prime.\nBelow 10.",
            ("true", "Nine."),
            source="Grammarly",
            votes={"annotator1": 0, "annotator2": 0, "annotator3": 0},
            flags=["response is no text"],
        ),
    ),
    "llmbar": Case("llmbar", LLMBAR, told(FIRST)),
    "llmbar, second": Case("llmbar", {**LLMBAR, "label": 2}, told(SECOND)),
    "llmbar, label as text": Case("llmbar", {**LLMBAR, "label": "2.0"}, told(SECOND)),
    "llmbar, no label": Case("llmbar", {**LLMBAR, "label": None}, told(NONE)),
    "llmbar, with what a judge said": Case("llmbar", {**LLMBAR, "results": [{"swap = False": {}}]}, told(FIRST)),
    "llmbar, empty output": Case("llmbar", {**LLMBAR, "output_2": ""}, told(FIRST, texts=("Seven.", ""))),
    "llmbar, identical outputs": Case("llmbar", {**LLMBAR, "output_1": "Nine."}, told(FIRST, texts=("Nine.", "Nine."))),
    "judgebench": Case("judgebench", JUDGEBENCH, told(FIRST, source="mmlu-pro-math")),
    "judgebench, second": Case("judgebench", {**JUDGEBENCH, "label": "B>A"}, told(SECOND, source="mmlu-pro-math")),
    "judgebench, no label": Case("judgebench", {**JUDGEBENCH, "label": None}, told(NONE, source="mmlu-pro-math")),
    "autoj": Case("autoj", AUTOJ, told(FIRST, source="quiz")),
    "autoj, second": Case("autoj", {**AUTOJ, "label": 1}, told(SECOND, source="quiz")),
    "autoj, tie": Case("autoj", {**AUTOJ, "label": 2}, told(TIE, source="quiz")),
    "autoj, label as text": Case("autoj", {**AUTOJ, "label": "0.0"}, told(FIRST, source="quiz")),
    "autoj, no label": Case("autoj", {**AUTOJ, "label": ""}, told(NONE, source="quiz")),
    "rmbench": Case(
        "rmbench",
        RMBENCH,
        told([1.0] * 3 + [0.0] * 3, texts=(*RMBENCH["chosen"], *RMBENCH["rejected"]), source="math"),
    ),
    "rmbench, one style, no domain": Case(
        "rmbench",
        {"prompt": "Name a prime.", "chosen": ["Seven."], "rejected": ["Nine."], "error_key": None},
        told(FIRST),
    ),
    "rmbench, no error_key": Case(
        "rmbench", {"prompt": "Name a prime.", "chosen": ["7"], "rejected": ["9"], "domain": "chat"},
        told(FIRST, texts=("7", "9"), source="chat"),
    ),
    "rewardbench, which trl reads": Case("trl", REWARDBENCH, told(FIRST, source="math-prm")),
    "rewardbench, a source of its own": Case("trl", {**REWARDBENCH, "source": "x"}, told(FIRST, source="x")),
}  # fmt: skip

REFUSED = {
    "another judge's word": ("dissection", judged(m3="tie"), "m3 is 'tie', not response_1 or response_2"),
    "a judge's number": ("dissection", judged(human=1), "human is 1, not response_1 or response_2"),
    "a judge's list": ("dissection", judged(human=["response_1"]), "human is a list, not response_1 or response_2"),
    "a hostile judge": ("dissection", judged(**{"\x1b": "x"}), "'\\x1b' is 'x', not response_1 or response_2"),
    "a judge whose name is half a character": (
        "dissection", judged(**{"\ud800": "response_1"}), "it holds half of a surrogate pair, which is no character"
    ),
    "no human": (
        "dissection",
        {**DISSECTION, "preference_labels": {"m3": "response_1"}},
        "preference_labels holds no judge 'human'",
    ),
    "no judges": ("dissection", {**DISSECTION, "preference_labels": None}, "preference_labels holds no judge 'human'"),
    "response that is text": (
        "dissection", {**DISSECTION, "response_2": "Nine."}, "response_2 is not an object with content"
    ),
    "response without text": (
        "dissection", {**DISSECTION, "response_1": {"content": None}}, "content is null or missing, not text"
    ),
    "vote of three": ("pandalm", voted(1, 3, 1), "annotator2 is 3, not 1 or 2 or 0"),
    "vote between": ("pandalm", voted(1, 1, 1.5), "annotator3 is 1.5, not 1 or 2 or 0"),
    "vote that is true": ("pandalm", voted(True, 1, 1), "annotator1 is True, not 1 or 2 or 0"),
    "response that is a number": ("pandalm", {**PANDALM, "response2": 9}, "response2 is 9, not text"),
    "label of the wrong count": ("llmbar", {**LLMBAR, "label": 0}, "label is 0, not 1 or 2"),
    "label in words": ("llmbar", {**LLMBAR, "label": "output_1"}, "label is 'output_1', not 1 or 2"),
    "null output": ("llmbar", {**LLMBAR, "output_1": None}, "output_1 is null or missing, not text"),
    "tie of a judge": ("judgebench", {**JUDGEBENCH, "label": "A=B"}, "label is 'A=B', not A>B or B>A"),
    "much better": ("judgebench", {**JUDGEBENCH, "label": "A>>B"}, "label is 'A>>B', not A>B or B>A"),
    "label of three": ("autoj", {**AUTOJ, "label": 3}, "label is 3, not 0 or 1 or 2"),
    "negative label": ("autoj", {**AUTOJ, "label": -1}, "label is -1, not 0 or 1 or 2"),
    "ragged": ("rmbench", {**RMBENCH, "rejected": ["9"]}, "chosen holds 3 texts and rejected 1"),
    "number among texts": ("rmbench", {**RMBENCH, "chosen": ["7", 7, "7"]}, "chosen is not a list of texts"),
    "empty lists": ("rmbench", {**RMBENCH, "chosen": [], "rejected": []}, "chosen is not a list of texts"),
}  # fmt: skip


def read(case: Case) -> Sample:
    return parse(Row(1, case.row), load_format(case.format, case.dimension))


def read_or_refuse(case: Case) -> tuple[Sample | None, str]:
    try:
        return read(case), ""
    except RowRefusedError as refusal:
        return None, str(refusal)


def labels_by_response(sample: Sample) -> list[tuple[str, float | None]]:
    return sorted((one.response_id, one.label) for one in sample.responses)


def check_exchange(case: Case, sample: Sample) -> None:
    """Fail unless each two labels, and nothing else, can be exchanged and exchanged back."""
    layout = load_format(case.format, case.dimension)
    for first, second in combinations(range(len(sample.responses)), 2):
        row = layout.exchange(case.row, first, second)
        after = parse(Row(1, row), layout)
        ids = [one.response_id for one in sample.responses]
        labels = [one.label for one in sample.responses]
        labels[first], labels[second] = labels[second], labels[first]
        assert list(row) == list(case.row)
        assert after.sample_id == sample.sample_id
        assert labels_by_response(after) == sorted(zip(ids, labels, strict=True))
        assert json.dumps(layout.exchange(row, first, second)) == json.dumps(case.row)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_row_is_read_whole(case):
    before = copy.deepcopy(case.row)
    assert read(case) == case.told
    assert repr(case.row) == repr(before)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_row_is_recognised_as_its_format_and_no_other(case):
    fits = [name for name in FORMATS if name not in GENERAL and recognise(name).looks_like(case.row)]
    assert fits == [case.format] * (case.format not in GENERAL)
    assert detect_format([case.row], "known.json") == case.format


@pytest.mark.parametrize(("name", "row", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_a_row_that_cannot_be_read_is_refused_with_its_reason(name, row, reason):
    with pytest.raises(RowRefusedError) as refusal:
        parse(Row(1, row), load_format(name))
    assert str(refusal.value) == reason


@pytest.mark.parametrize("case", [case for case in CASES.values() if case.told.pair])
def test_two_labels_change_places_in_the_original_row(case):
    check_exchange(case, case.told)


def test_an_exchanged_code_is_written_as_it_was():
    row = load_format("pandalm").exchange(voted("1", " 2.0", 0), 0, 1)
    assert [row[f"annotator{n}"] for n in (1, 2, 3)] == ["2", " 1.0", 0]
    assert repr(load_format("autoj").exchange({**AUTOJ, "label": 1.0}, 0, 1)["label"]) == "0.0"


def test_exchanging_one_judge_leaves_the_others_as_they_judged():
    row = load_format("dissection", "m3").exchange(DISSECTION, 0, 1)
    assert row["preference_labels"] == {"human": "response_1", "m3": "response_1", "m4": "response_1"}


def test_any_judge_may_be_the_dimension_but_a_row_without_it_is_refused():
    with pytest.raises(RowRefusedError, match="preference_labels holds no judge 'm9'"):
        parse(Row(1, DISSECTION), load_format("dissection", "m9"))
    with pytest.raises(ConfigError, match="has no dimensions"):
        load_format("pandalm", "m3")


KEYS = sorted({key for case in CASES.values() for key in case.row} | {"content", "human", "m3"})
WORDS = ["", "N/A", "-100", "1", "2.0", " 1.", "0.", "+1", "01", "A>B", "B>A ", "response_1", "\0", "\ud800", "tie"]
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(WORDS)
values = st.recursive(
    scalars | st.integers(-1, 3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(), inner, max_size=4),
    max_leaves=8,
)


def places(value: object, path: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    """List every place in a row: what stands there can be replaced."""
    if path:
        yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inside:
        yield from places(one, (*path, key))


@st.composite
def mutants(draw: st.DrawFn) -> Case:
    """A case with one to three values replaced by anything, and sometimes a column gone."""
    case = draw(st.sampled_from(list(CASES.values())))
    row = copy.deepcopy(case.row)
    for _ in range(draw(st.integers(1, 3))):
        *path, last = draw(st.sampled_from(list(places(row))))
        inside: Any = row
        for key in path:
            inside = inside[key]
        inside[last] = draw(values)
    row.pop(draw(st.sampled_from([None, *row])), None)
    return case._replace(row=row)


@settings(max_examples=500, deadline=None)
@given(mutants())
def test_a_row_with_anything_in_it_is_read_and_exchanged_or_refused(mutant):
    assert recognise(mutant.format).looks_like(mutant.row) in (True, False)
    sample, reason = read_or_refuse(mutant)
    assert reason.isprintable()
    assert len(reason) < 200
    if sample and sample.pair and mutant.format != "trl":
        check_exchange(mutant, sample)


def import_whole(path: Path, folder: Path) -> tuple[Project, list[Sample], list[Json]]:
    """Import a file; give the project, its samples, and the rows as they stand in the file."""
    project = Project(folder / "known.prefmap")
    import_file(project, path)
    return project, list(SourceReader(project)), json.loads(path.read_text(encoding="utf-8"))


@needs_data
def test_pandalm_is_imported_without_a_loss(tmp_path):
    project, samples, rows = import_whole(PANDALM_FILE, tmp_path)
    (file,) = project.source_files()
    assert (file.format, file.rows, file.samples, file.refused) == ("pandalm", 999, 999, ())
    assert (file.flags["annotators split"], file.flags["response is no text"]) == (120, 6)
    for sample, row in zip(samples, rows, strict=True):
        votes = [row[f"annotator{n}"] for n in (1, 2, 3)]
        most = max(votes, key=votes.count)
        assert [one.label for one in sample.responses] == [[0.5, 0.5], [1, 0], [0, 1]][most]
        assert list(sample.votes.values()) == [{0: None, 1: 0, 2: 1}[vote] for vote in votes]


@needs_data
@pytest.mark.parametrize("part", LLMBAR_LABELS)
def test_llmbar_is_imported_without_a_loss(part, tmp_path):
    project, samples, rows = import_whole(DATA / "llmbar" / f"{part}.json", tmp_path)
    (file,) = project.source_files()
    assert (file.format, file.samples, file.refused) == ("llmbar", sum(LLMBAR_LABELS[part].values()), ())
    assert [sample.responses[0].label for sample in samples] == [float(row["label"] == 1) for row in rows]
    assert sum(bool(sample.responses[0].label) for sample in samples) == LLMBAR_LABELS[part][1]
    texts = [(sample.prompt[0].content, *(one.text for one in sample.responses)) for sample in samples]
    assert texts == [(row["input"], row["output_1"], row["output_2"]) for row in rows]
