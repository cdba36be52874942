import random
import threading
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from engine.errors import MapMissingError, MapUnreadableError, SampleUnknownError
from engine.map_writer import MapWriter
from engine.mapping import build_map
from engine.schema import ORDERS
from engine.scorers.catalog import make_scorer
from engine.scoring import score
from engine.sources import SourceReader
from engine.store import ScorerCoverage, Store

ROWS = [
    {"prompt": f"Question {n}?", "chosen": f"Good {n}.", "rejected": f"Bad {n}.", "source": "a,b" if n % 2 else "",
     "score_chosen": None if n % 4 == 3 else n * 7 % 11 / 10, "score_rejected": n * 5 % 7 / 10}
    for n in range(24)
]  # fmt: skip
ROWS += [ROWS[2], ROWS[2], {"chosen": "No \u2028 prompt", "rejected": "", "score_chosen": None, "score_rejected": None}]


@pytest.fixture(scope="module")
def project(import_rows):
    project = import_rows(ROWS)
    score(project, make_scorer("column:score", {}))
    build_map(project)
    return project


@pytest.fixture(scope="module")
def store(project):
    with closing(Store.open(project.map)) as opened:
        yield opened


def test_a_sample_comes_back_as_it_was_imported(project, store):
    for ordinal, sample in enumerate(SourceReader(project)):
        responses = tuple(replace(response, columns={}) for response in sample.responses)
        assert store.sample(ordinal) == replace(sample, responses=responses)
    assert store.count("sample") == len(ROWS)
    assert store.count("response") == 2 * len(ROWS)
    assert store.sample_ids().tolist() == [sample.sample_id for sample in SourceReader(project)]


def test_entries_come_in_the_order_asked_for(store):
    assert [entry.ordinal for entry in store.entries([5, 0, 17])] == [5, 0, 17]
    assert store.entries([]) == []
    (entry,) = store.entries([4])
    assert (entry.row, entry.file, entry.chosen, entry.rejected) == (5, "pairs.jsonl", 0, 1)
    assert (entry.quality, entry.scorers) == (pytest.approx((0.6 + 0.6) / 2), 1)


def test_prompts_show_the_last_turn(store):
    assert store.prompts([1, 26, 0]) == ["Question 1?", "", "Question 0?"]
    assert store.prompts([]) == []


@pytest.mark.parametrize(
    ("by", "key"),
    [
        ("suspicion", lambda entry: None if entry.suspicion is None else (-entry.suspicion, entry.margin)),
        ("margin", lambda entry: entry.margin),
        ("correlation", lambda entry: entry.correlation),
        ("quality", lambda entry: entry.quality),
        ("variability", lambda entry: None if entry.variability is None else -entry.variability),
        ("source", lambda entry: entry.ordinal),
    ],
)
def test_a_queue_is_in_order_with_nulls_last_and_ties_by_id(store, by, key):
    entries = store.entries(store.order(by))
    assert sorted(entry.ordinal for entry in entries) == list(range(len(ROWS)))
    nowhere = (1,) if by == "suspicion" else 0.0
    expected = sorted(
        entries, key=lambda one: (key(one) is None, nowhere if key(one) is None else key(one), one.sample_id)
    )
    assert [entry.sample_id for entry in entries] == [entry.sample_id for entry in expected]
    placed = {"source": 27, "quality": 26, "correlation": 19}.get(by, 20)
    assert [key(entry) is None for entry in entries] == [False] * placed + [True] * (27 - placed)


def test_every_order_lists_every_sample_and_is_the_same_twice(store):
    for by in ORDERS:
        assert sorted(store.order(by)) == list(range(len(ROWS)))
        assert store.order(by).tolist() == store.order(by).tolist()
    assert store.order("random").tolist() != store.order("source").tolist()


def test_a_sample_is_found_by_any_unique_beginning_of_its_id(store):
    ids = store.sample_ids().tolist()
    for ordinal, sample_id in enumerate(ids):
        length = next(n for n in range(1, 20) if sum(one.startswith(sample_id[:n]) for one in ids) == 1 or n == 19)
        assert store.find(sample_id) == ordinal
        assert store.find(sample_id.upper()) == ordinal
        assert store.find(sample_id[:length]) == ordinal or length == 19


def test_of_exact_duplicates_the_first_is_found_and_each_by_its_number(store):
    (first, second, third) = (store.sample_ids()[ordinal] for ordinal in (2, 24, 25))
    assert (second, third) == (f"{first}-2", f"{first}-3")
    assert [store.find(one) for one in (first, second, third)] == [2, 24, 25]
    assert [store.find(first[:12] + copy) for copy in ("", "-2", "-3")] == [2, 24, 25]
    with pytest.raises(SampleUnknownError, match="No sample has an id"):
        store.find(f"{first[:12]}-4")


def test_an_id_that_is_unknown_or_empty_is_refused(store):
    for unknown in ("zz", "%", "' OR 1"):
        with pytest.raises(SampleUnknownError) as none:
            store.find(unknown)
        assert str(none.value) == f"No sample has an id that begins with {unknown!r}. See: prefmap queue"
    with pytest.raises(SampleUnknownError, match=r"^'' fits several samples: \w+, \w+, \w+, \.\.\. Give more\.$"):
        store.find("")


def test_contents_are_found_with_their_duplicates(store):
    ids = store.sample_ids()
    assert sorted(store.ordinals([ids[2], ids[0], "f" * 16])) == [0, 2, 24, 25]
    assert store.ordinals([]).tolist() == []


def test_scores_and_margins_are_told_per_scorer(store):
    sample = store.sample(4)
    assert store.scores(sample) == {"column-score": [(0.6, ""), (0.6, "")]}
    assert store.margins(4) == {"column-score": 0.0}
    missing = store.sample(3)
    assert store.scores(missing)["column-score"][0] == (None, "no score in the row")
    assert store.margins(3) == {"column-score": None}


def test_coverage_does_not_count_what_can_never_be_scored(store):
    coverage = store.scorers()
    assert coverage == {"column-score": ScorerCoverage(42, 42)}
    assert coverage["column-score"].share == 1.0
    assert ScorerCoverage(0, 0).share == 0.0


def test_points_are_in_source_order_with_nan_for_null(store):
    points = store.points()
    entries = store.entries(range(len(ROWS)))
    assert points.quality == pytest.approx(
        [float("nan") if e.quality is None else e.quality for e in entries], nan_ok=True
    )
    for name in ("variability", "margin", "correlation"):
        expected = [getattr(entry, name) for entry in entries]
        assert getattr(points, name) == pytest.approx(np.array(expected, dtype=np.float64), nan_ok=True), name
    assert points.region.tolist() == [entry.region for entry in entries]
    assert points.source.tolist() == [entry.source for entry in entries]
    regions = points.region.tolist()
    assert store.regions() == {name: regions.count(name) for name in ("high_average", "high_variance", "low_average")}
    assert [cut.axis for cut in store.cuts()] == ["variability", "quality"]


def test_a_map_without_scores_answers_too(make_project):
    project = make_project(ROWS[:3], name="bare")
    with closing(Store.open(project.map)) as store:
        assert (store.map_scorer, store.scorers(), store.regions(), store.cuts()) == ("", {}, {}, [])
        assert [entry.suspicion for entry in store.entries(store.order("suspicion"))] == [None] * 3
        assert store.points().region.tolist() == [None] * 3
        assert store.scores(store.sample(0)) == {}


def test_four_threads_on_one_store_get_right_answers(store):
    samples = [store.sample(ordinal) for ordinal in range(len(ROWS))]
    entries = store.entries(range(len(ROWS)))
    wrong = []

    def ask(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(200):
            ordinal = chance.randrange(len(ROWS))
            try:
                if store.sample(ordinal) != samples[ordinal]:
                    wrong.append(("sample", ordinal))
                if store.entries([ordinal]) != [entries[ordinal]]:
                    wrong.append(("entry", ordinal))
                if store.find(samples[ordinal].sample_id) != ordinal:
                    wrong.append(("find", ordinal))
            except Exception as error:  # noqa: BLE001 - a thread's error is an answer, too
                wrong.append((repr(error), ordinal))

    threads = [threading.Thread(target=ask, args=[seed]) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_an_open_map_goes_on_while_a_new_one_takes_its_place(project, store):
    before = store.sample_ids().tolist()
    build_map(project)
    assert store.sample_ids().tolist() == before
    assert store.sample(0).sample_id == before[0]


def test_a_map_that_is_not_there_is_not_created(tmp_path):
    path = tmp_path / "p.prefmap" / "map.duckdb"
    with pytest.raises(MapMissingError) as missing:
        Store.open(path)
    assert str(missing.value) == f"There is no {path}. Run: prefmap map {path.parent}"
    assert not path.parent.exists()


@pytest.mark.parametrize("content", [b"", b"garbage" * 5000])
def test_a_damaged_map_says_how_to_build_it_again(tmp_path, content):
    path = tmp_path / "map.duckdb"
    path.write_bytes(content)
    with pytest.raises(MapUnreadableError, match=rf"{path}.*\. Run: prefmap map {tmp_path}$"):
        Store.open(path)


def test_a_map_of_another_version_is_refused(tmp_path):
    path = tmp_path / "map.duckdb"
    writer = MapWriter(path)
    writer._connection.execute("UPDATE meta SET value = '99' WHERE key = 'version'")
    writer.finish()
    with pytest.raises(MapUnreadableError) as other:
        Store.open(path)
    assert str(other.value) == f"{path} is of a newer version of prefmap. Run: prefmap map {tmp_path}"
