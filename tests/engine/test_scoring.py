import json
import math
import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from typing import ClassVar

import duckdb
import pytest
import tiny_models
from judge_server import JudgeServer

from engine.errors import ConfigError, LogBusyError, ScorerRefusedError
from engine.logs import Log, read_header, read_log
from engine.mapping import build_map
from engine.records import Message, Sample, Score
from engine.scorers.catalog import SCORERS, NamedScorer, kinds, make_scorer
from engine.scorers.column import Column
from engine.scorers.crossfit import Crossfit
from engine.scores.wanted import Ledger, Shard, Wanted
from engine.scoring import FLUSH_LINES, Coverage, Terms, score
from engine.sources import SourceReader, fingerprint


def pair_row(n: int, chosen: object = 0.9, rejected: object = 0.1) -> dict:
    return {
        "prompt": f"Question {n}?", "chosen": f"A long and good answer to question {n}.", "rejected": f"No {n}",
        "score_chosen": chosen, "score_rejected": rejected,
    }  # fmt: skip


ROWS = [pair_row(n, chosen=(n + 50) / 100, rejected=None if n % 10 == 0 else n / 100) for n in range(40)]


def make_sample(n: int, columns=({"score": 0.9}, {"score": 0.1}), texts=None) -> Sample:
    texts = texts or (f"A long and good answer to question {n}.", f"No {n}")
    return Sample.of(prompt=[Message("user", f"Question {n}?")], texts=texts, labels=(1.0, 0.0), columns=columns)


# SPEC and table


@pytest.mark.parametrize(
    ("spec", "scorer", "name"),
    [
        ("crossfit", Crossfit(), "crossfit"),
        ("crossfit?folds=10&seed=3", Crossfit(folds=10, seed=3), "crossfit"),
        ("column:score", Column("score"), "column-score"),
        ("column:score?lower_is_better=true", Column("score", lower_is_better=True), "column-score"),
        ("column:score?lower_is_better=No", Column("score"), "column-score"),
        ("column?column=score", Column("score"), "column"),
        ("column:a/b c", Column("a/b c"), "column-a-b c"),
        ("column:fine-grained_score", Column("fine-grained_score"), "column-fine-grained_score"),
    ],
)
def test_a_spec_makes_a_scorer(spec, scorer, name):
    made = make_scorer(spec, {})
    assert (made.scorer, made.name, made.kind, made.from_table) == (scorer, name, spec[: len(made.kind)], False)


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("crossfitt", "There is no scorer 'crossfitt'. Did you mean crossfit? See: prefmap list scorers"),
        ("zebra", f"There is no scorer 'zebra'. It may be: {', '.join(SCORERS)}. See: prefmap list scorers"),
        ("", f"There is no scorer ''. It may be: {', '.join(SCORERS)}. See: prefmap list scorers"),
        ("column", "column needs a column: column:COLUMN"),
        ("column:", "column: needs a column: column:COLUMN"),
        ("crossfit:big", "crossfit:big: crossfit takes nothing behind the colon."),
        ("column:a?column=b", "column:a?column=b: column is given twice."),
        ("crossfit?fold=3", "crossfit?fold=3: crossfit has no setting 'fold'. Did you mean folds?"),
        ("column:a?lower_is=1", "column:a?lower_is=1: column has no setting 'lower_is'. Did you mean lower_is_better?"),
        ("crossfit?folds=many", "crossfit?folds=many: folds is 'many', not int."),
        ("crossfit?folds", "crossfit?folds: folds is '', not int."),
        ("crossfit?folds=2.5", "crossfit?folds=2.5: folds is '2.5', not int."),
        ("column:a?lower_is_better=so", "column:a?lower_is_better=so: lower_is_better is 'so', not bool."),
    ],
)  # fmt: skip
def test_a_spec_that_says_nothing_known_is_refused_with_the_nearest_word(spec, sentence):
    with pytest.raises(ConfigError) as refused:
        make_scorer(spec, {})
    assert str(refused.value) == sentence


@pytest.mark.parametrize(
    ("table", "scorer"),
    [
        ({"scorer": "column:score", "lower_is_better": True}, Column("score", lower_is_better=True)),
        ({"scorer": "column", "column": "score"}, Column("score")),
        ({"scorer": "crossfit", "folds": 3}, Crossfit(folds=3)),
    ],
)
def test_a_table_makes_a_scorer_of_its_name(table, scorer):
    assert make_scorer("mine", {"mine": table}) == NamedScorer("mine", table["scorer"].partition(":")[0], scorer, True)


def test_a_table_goes_before_a_kind_of_the_same_name_and_may_leave_the_kind_out():
    made = make_scorer("crossfit", {"crossfit": {"folds": 4}})
    assert (made.scorer, made.from_table) == (Crossfit(folds=4), True)


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({}, f"There is no scorer 'mine'. It may be: {', '.join(SCORERS)}. See: prefmap list scorers"),
        ({"scorer": "crossfit", "folds": 5.7}, "[scorers.mine]: folds is 5.7, not int."),
        ({"scorer": "crossfit", "folds": True}, "[scorers.mine]: folds is True, not int."),
        ({"scorer": "crossfit", "seeds": 1}, "[scorers.mine]: crossfit has no setting 'seeds'. Did you mean seed?"),
        ({"scorer": "column"}, "[scorers.mine] needs a column: column:COLUMN"),
    ],
)
def test_a_table_that_says_nothing_known_is_refused(table, sentence):
    with pytest.raises(ConfigError) as refused:
        make_scorer("mine", {"mine": table})
    assert str(refused.value) == sentence


def test_the_identity_is_of_what_changes_the_values():
    specs = ["crossfit", "crossfit?seed=1", "column:score", "column:rank", "column:score?lower_is_better=true"]
    assert len({make_scorer(spec, {}).identify("data") for spec in specs}) == 5
    assert make_scorer("crossfit?folds=5", {}).identify("x") == make_scorer("crossfit", {}).identify("x")
    assert make_scorer("crossfit", {}).identify("x") != make_scorer("crossfit", {}).identify("y")
    assert make_scorer("column:score", {}).identify("x") != make_scorer("column:score", {}).identify("y")
    assert make_scorer("m", {"m": {"scorer": "crossfit"}}).identify("x") == make_scorer("crossfit", {}).identify("x")


# The contract, for every built-in scorer


BUILT_IN = {
    "crossfit": "crossfit?folds=2",
    "column": "column:score",
    "reward": "reward:{reward}",
    "implicit": "implicit:{policy},{policy}-reference",
    "reference": "reference:{embedder}?file={references}",
    "judge": "judge:made-up?aspects=helpfulness&concurrency=1&max_concurrency=1",
}

RANDOM = {"reward", "implicit"}
"""Kinds whose models here are tiny and random, so that their scores mean nothing."""

CONTRACT_SAMPLES = [
    *(make_sample(n) for n in range(60)),
    make_sample(3),
    make_sample(61, columns=({"score": None}, {})),
    make_sample(62, texts=("same", "same")),
    make_sample(63, texts=("", " ")),
]


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """Tiny random models, made when a kind first needs them; references are the first responses."""
    folder = tmp_path_factory.mktemp("models")
    rows = [{"sample_id": one.sample_id, "reference": one.responses[0].text} for one in CONTRACT_SAMPLES]
    (folder / "references.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


@pytest.fixture
def built_in(models, request) -> Callable[[str], NamedScorer]:
    """Make the scorer of a kind."""

    def make(kind: str) -> NamedScorer:
        if kind == "reward" and not (models / "reward").exists():
            tiny_models.save_reward_model(models / "reward")
        if kind == "implicit" and not (models / "policy").exists():
            tiny_models.save_language_model(models / "policy")
            tiny_models.save_language_model(models / "policy-reference", seed=1)
        embedder = request.getfixturevalue("tiny_embedder") if kind == "reference" else ""
        places = {"reward": models / "reward", "policy": models / "policy", "references": models / "references.jsonl"}
        return make_scorer(BUILT_IN[kind].format(**places, embedder=embedder), {})

    return make


def test_every_built_in_scorer_is_tested():
    assert set(BUILT_IN) == set(SCORERS) <= set(kinds())


@pytest.fixture
def a_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Somebody to ask, for the scorers that ask a server."""
    with JudgeServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        yield


@pytest.mark.filterwarnings("ignore")  # what other packages warn of while they are imported is not ours
@pytest.mark.usefixtures("a_server")
@pytest.mark.parametrize("kind", BUILT_IN)
def test_a_scorer_says_nothing_of_nothing(kind, built_in):
    assert list(built_in(kind).scorer([])) == []


@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("a_server")
@pytest.mark.parametrize("kind", BUILT_IN)
def test_a_scorer_keeps_the_contract(kind, built_in):
    scorer = built_in(kind).scorer
    scores = list(scorer(CONTRACT_SAMPLES))
    ids = [one.response_id for one in scores]
    assert len(ids) == len(set(ids))
    assert set(ids) == {response.response_id for sample in CONTRACT_SAMPLES for response in sample.responses}
    for one in scores:
        assert one.reason if one.value is None else math.isfinite(one.value)
    assert list(scorer(CONTRACT_SAMPLES)) == scores
    if kind in RANDOM:
        return
    value = {one.response_id: one.value for one in scores}
    pairs = [[value[response.response_id] for response in sample.responses] for sample in CONTRACT_SAMPLES[:60]]
    assert all(good > bad for good, bad in pairs)


# The column scorer


def test_a_column_is_read_as_it_stands_or_turned_round():
    sample = make_sample(0)
    assert [one.value for one in Column("score")([sample])] == [0.9, 0.1]
    assert [one.value for one in Column("score", lower_is_better=True)([sample])] == [-0.9, -0.1]


def test_a_response_without_the_number_is_null_for_good():
    sample = make_sample(0, columns=({"score": 0.9}, {"other": 1.0}))
    ids = [response.response_id for response in sample.responses]
    assert list(Column("score")([sample])) == [
        Score(ids[0], 0.9), Score(ids[1], None, "no score in the row", final=True),
    ]  # fmt: skip


def test_a_number_that_only_a_later_row_states_is_found():
    silent, spoken = (
        make_sample(0, columns=({}, {"score": 0.1})),
        make_sample(0, columns=({"score": 0.9}, {"score": 9})),
    )
    for samples in ([silent, spoken], [spoken, silent]):
        values = {one.response_id: one.value for one in Column("score")(samples)}
        assert values[silent.responses[0].response_id] == 0.9


@pytest.mark.parametrize(
    ("columns", "has"),
    [(({"rank": 1.0, "age": 2.0}, {"rank": 2.0}), "its columns are age, rank"), (({}, {}), "the rows state none")],
)
def test_a_column_that_no_row_has_is_refused(columns, has):
    with pytest.raises(ScorerRefusedError) as refused:
        list(Column("score")([make_sample(0, columns=columns)]))
    assert str(refused.value) == f"No response has a numeric column 'score': {has}."


# Scoring, and going on after a kill


ASKED: list[str] = []
"""Each response that was asked for since the last `listening`."""


@dataclass(frozen=True)
class Listening:
    """Scores by length, and notes each response that it was asked for."""

    odd: str = "7"
    """What responses of odd length get; empty: nothing."""

    def __call__(self, samples: Iterable[Sample]) -> Iterator[Score]:
        for sample in samples:
            for response in sample.responses:
                ASKED.append(response.response_id)
                text = self.odd if len(response.text) % 2 else str(len(response.text))
                yield Score(response.response_id, float(text) if text else None, "" if text else "odd")


@dataclass(frozen=True)
class BreakingOff:
    """Scores like Listening, and fails when it has said so many."""

    stop: int

    def __call__(self, samples: Iterable[Sample]) -> Iterator[Score]:
        yield from islice(Listening()(samples), self.stop)
        raise ScorerRefusedError("the server said 402")


def listening(odd: str = "7") -> NamedScorer:
    ASKED.clear()
    return NamedScorer("listening", "listening", Listening(odd), from_table=True)


def log_of(named: NamedScorer, project):
    return read_log(project.scores / f"{named.name}.jsonl").lines


def test_scores_and_header_are_in_the_log(import_rows):
    project = import_rows(ROWS)
    named = make_scorer("column:score", {})
    coverage = score(project, named)
    data = fingerprint(SourceReader(project))
    path = project.scores / f"column-score-{named.identify(data)[:8]}.jsonl"
    assert coverage == Coverage(path, responses=80, scored=76, final=4, asked=80)
    assert coverage.missing == 0
    header, *lines = read_log(path).lines
    assert {**header, "started": None, "versions": None} == {
        "kind": "header", "scorer": "column-score", "type": "column",
        "identity": named.identify(data), "fingerprint": data,
        "parameters": {"column": "score", "lower_is_better": False}, "facts": {}, "started": None, "versions": None,
    }  # fmt: skip
    assert sorted(header["versions"]) == ["numpy", "prefmap"]
    said = {line["response"]: line for line in lines}
    first = next(iter(SourceReader(project)))
    assert said[first.responses[0].response_id] == {"response": first.responses[0].response_id, "value": 0.5}
    assert said[first.responses[1].response_id] == {
        "response": first.responses[1].response_id, "value": None, "reason": "no score in the row", "final": True,
    }  # fmt: skip


def test_a_finished_scorer_is_not_asked_again(import_rows):
    project = import_rows(ROWS)
    named = listening()
    assert score(project, named).asked == 80
    before = (project.scores / "listening.jsonl").read_bytes()
    assert (len(ASKED), score(project, listening()).asked, ASKED) == (80, 0, [])
    assert (project.scores / "listening.jsonl").read_bytes() == before


def test_added_rows_are_all_that_is_asked_for(import_rows):
    project = import_rows(ROWS)
    score(project, listening())
    import_rows([pair_row(n) for n in range(38, 45)], project, name="more")
    assert score(project, listening()) == Coverage(project.scores / "listening.jsonl", 90, 90, 0, asked=10)


@pytest.mark.parametrize("seed", range(12))
def test_after_a_kill_only_what_is_missing_is_asked_for(import_rows, seed):
    project = import_rows(ROWS)
    score(project, listening())
    log = project.scores / "listening.jsonl"
    whole = log.read_bytes()
    cut = random.Random(seed).randrange(len(whole)) if seed else 10
    log.write_bytes(whole[:cut])
    left = {line["response"] for line in read_log(log).lines[1:]}
    coverage = score(project, listening())
    assert coverage == Coverage(log, 80, 80, 0, asked=80 - len(left))
    lines = log_of(listening(), project)
    assert [line.get("kind") for line in lines].count("header") == 1
    assert lines[0]["kind"] == "header"
    assert sorted(line["response"] for line in lines[1:]) == sorted(
        json.loads(one)["response"] for one in whole.splitlines()[1:]
    )
    torn = whole[:cut].rpartition(b"\n")[2]
    assert [path.read_bytes() for path in project.scores.glob("*.torn-*")] == ([torn] if torn else [])


def test_what_failed_is_asked_for_again_and_what_can_never_be_scored_is_not(import_rows):
    project = import_rows(ROWS)
    first, again = (score(project, listening(odd="")) for _ in range(2))
    assert first == Coverage(project.scores / "listening.jsonl", 80, scored=40, final=0, asked=80)
    assert again == first._replace(asked=40)
    never = make_scorer("column:score", {})
    assert score(project, never).final == 4
    assert score(project, never).asked == 0


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_a_value_that_is_no_number_is_missing_with_a_reason(import_rows, value):
    project = import_rows(ROWS)
    assert score(project, listening(value)).missing == 40
    missing = [line for line in log_of(listening(), project) if line.get("value", 1) is None]
    assert {(line["reason"], line["final"]) for line in missing} == {(f"the scorer gave {value}", False)}


def test_a_limit_scores_so_many_and_the_next_run_goes_on(import_rows):
    project = import_rows(ROWS)
    assert [score(project, listening(), Terms(limit=30))[2:] for _ in range(3)] == [
        (30, 0, 30),
        (60, 0, 30),
        (80, 0, 20),
    ]
    assert len(log_of(listening(), project)) == 81


def test_a_fitted_scorer_takes_no_limit(import_rows):
    with pytest.raises(
        ScorerRefusedError, match=r"^crossfit depends on the whole dataset: it takes no --limit and no --shard\.$"
    ):
        score(import_rows(ROWS), make_scorer("crossfit", {}), Terms(limit=5))


def test_a_fitted_scorer_starts_a_new_log_when_the_data_changed(import_rows):
    project = import_rows(ROWS)
    named = make_scorer("crossfit?folds=2", {})
    first = score(project, named)
    assert read_header(first.log)["fingerprint"] == fingerprint(SourceReader(project))
    import_rows([pair_row(50)], project, name="more")
    again = score(project, named)
    assert (again.asked, again.log == first.log, len(project.score_logs())) == (82, False, 2)


def test_a_table_with_other_settings_puts_the_old_log_away_until_they_come_back(import_rows):
    project = import_rows(ROWS)
    first, second = (
        make_scorer("mine", {"mine": {"scorer": "column:score", "lower_is_better": lower}}) for lower in (False, True)
    )
    assert [score(project, named).asked for named in (first, first, second, second)] == [80, 0, 80, 0]
    log = project.scores / "mine.jsonl"
    data = fingerprint(SourceReader(project))
    assert sorted(path.name for path in project.scores.glob("mine*")) == [
        f"mine-{first.identify(data)[:8]}.jsonl.old", "mine.jsonl",
    ]  # fmt: skip
    assert [score(project, named).asked for named in (first, second, first)] == [0, 0, 0]
    assert read_header(log)["identity"] == first.identify(data)


def test_progress_is_told_from_what_is_done_to_all(import_rows):
    project = import_rows([pair_row(n) for n in range(FLUSH_LINES)])
    score(project, listening(), Terms(limit=100))
    told = []
    score(project, listening(), progress=lambda *at: told.append(at))
    total = 2 * FLUSH_LINES
    assert told == [(100, total, ""), (100 + FLUSH_LINES, total, ""), (total, total, "")]


def test_a_scorer_that_fails_half_way_keeps_what_it_had(import_rows):
    project = import_rows([pair_row(n) for n in range(FLUSH_LINES)])

    with pytest.raises(ScorerRefusedError, match=r"^the server said 402$"):
        score(project, NamedScorer("listening", "breaking", BreakingOff(300), from_table=True))
    assert len(log_of(listening(), project)) == 1 + 300


def test_two_runs_of_one_scorer_are_not_possible(import_rows):
    project = import_rows(ROWS)
    with Log(project.scores / "listening.jsonl"), pytest.raises(LogBusyError, match=r"is being written by process \d+"):
        score(project, listening())


# Several questions about one response, several parts of the work


@dataclass(frozen=True)
class Asking:
    """Asks two questions about each response, one of them twice; `silent` of them have no answer."""

    silent: tuple[tuple[str, int], ...] = ()
    server: ClassVar[str] = "here"

    def __call__(self, samples: Wanted) -> Iterator[Score]:
        for response in (response for sample in samples for response in sample.responses):
            for part, number, of in (("depth", 0, 1), ("style", 0, 2), ("style", 1, 2)):
                if samples.lacks(response.response_id, part, number):
                    ASKED.append(f"{response.response_id} {part} {number}")
                    value = None if (part, number) in self.silent else float(len(part) + number)
                    reason = "" if value else "hung up"
                    yield Score(
                        response.response_id, value, reason, part=part, parts=2, number=number, of=of,
                        details={"rationale": f"{part} is fine"} if value else {},
                    )  # fmt: skip


def asking(*silent: tuple[str, int]) -> NamedScorer:
    ASKED.clear()
    return NamedScorer("asking", "asking", Asking(silent), from_table=True)


def test_a_response_has_a_score_when_all_its_parts_have_all_their_answers(import_rows):
    project = import_rows(ROWS[:2])
    first = score(project, asking(("style", 1)))
    assert (first.scored, first.asked, first.missing) == (0, 12, 4)
    again = score(project, NamedScorer("asking", "asking", Asking((("style", 1),)), from_table=True))
    assert (again.scored, again.asked) == (0, 4)


def test_only_the_questions_without_an_answer_are_asked_again(import_rows):
    project = import_rows(ROWS[:2])
    score(project, asking(("depth", 0)))
    log = project.scores / "asking.jsonl"
    header, lines = log.read_text().split("\n", 1)
    whole = asking()
    log.write_text(json.dumps({**json.loads(header), "identity": whole.identify("")}) + "\n" + lines)
    assert score(project, whole).scored == 4
    assert [one.split()[1:] for one in ASKED] == [["depth", "0"]] * 4
    build_map(project)
    with closing(duckdb.connect(str(project.map), read_only=True)) as connection:
        said = connection.execute("SELECT value, reason, rationale FROM score").fetchall()
    assert said == [((5 + (5 + 6) / 2) / 2, "", "depth: depth is fine\nstyle: style is fine")] * 4


def test_shards_together_score_each_response_once(import_rows):
    project = import_rows(ROWS)
    asked = [score(project, listening(), Terms(shard=Shard(index, 3))).asked for index in (1, 2, 3)]
    assert sum(asked) == 80
    assert min(asked) > 0
    assert (score(project, listening()).asked, len(project.score_logs())) == (0, 4)
    build_map(project)
    with closing(duckdb.connect(str(project.map), read_only=True)) as connection:
        assert connection.execute("SELECT scorer, count(value) FROM score GROUP BY ALL").fetchall() == [
            ("listening", 80)
        ]


def test_a_scorer_is_given_the_responses_that_lack_a_score(import_rows):
    samples = list(SourceReader(import_rows(ROWS)))
    ledger = Ledger()
    for response in (*samples[0].responses, samples[1].responses[0]):
        ledger.add(Score(response.response_id, 1.0))
    given = list(Wanted(samples, ledger, limit=3))
    assert [one.sample_id for one in given] == [one.sample_id for one in samples[1:3]]
    assert given[0].responses == samples[1].responses[1:]
    assert given[1].responses == samples[2].responses
    assert list(Wanted(samples, ledger, is_whole=True)) == samples


def test_where_a_scorer_runs_is_recorded_but_changes_no_identity():
    @dataclass(frozen=True)
    class Remote:
        model: str
        base_url: str = field(default="here", metadata={"provenance": True})

    here, there = (NamedScorer("r", "r", Remote("m", url), False) for url in ("here", "there"))  # type: ignore[arg-type]
    assert here.identify("") == there.identify("")
    assert here.identify("") != NamedScorer("r", "r", Remote("n"), False).identify("")  # type: ignore[arg-type]
    assert there.parameters == {"model": "m", "base_url": "there"}
