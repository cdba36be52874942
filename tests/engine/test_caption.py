import json
from contextlib import closing

import numpy as np

from engine.logs import Log
from engine.mapping import build_map
from engine.pages.caption import count_samples, describe_axes, describe_scorers
from engine.sources import SourceReader
from engine.store import Store

ROWS = [
    {"prompt": f"Question {n}?", "chosen": f"Good {n}.", "rejected": f"Bad {n}.", "score_chosen": 1.0,
     "score_rejected": n / 10}
    for n in range(9)
]  # fmt: skip


def describe(project):
    with closing(Store.open(project.map)) as store:
        return describe_scorers(store)


def add_reward(project, **parameters):
    header = {"kind": "header", "scorer": "reward-m", "type": "reward", "identity": "r", "parameters": parameters}
    answers = [one.response_id for sample in SourceReader(project) for one in sample.responses]
    with Log(project.scores / "reward-m.jsonl") as log:
        log.append(header, *({"response": one, "value": float(n)} for n, one in enumerate(answers)))
    build_map(project)


def test_a_fitted_scorer_is_called_one(sample_project):
    assert describe(sample_project) == (
        "Map of crossfit (edition 2), which was fitted on the dataset's own labels. Normaliser: none, raw scores."
    )


def test_a_model_is_named_with_its_revision(make_project):
    project = make_project(ROWS)
    add_reward(project, model="owner/m", revision="abc123", lower_is_better=True)
    assert describe(project) == (
        "Map of reward-m (reward, model owner/m, revision abc123, lower is better, so turned). "
        "Normaliser: none, raw scores."
    )
    header = json.loads((project.scores / "reward-m.jsonl").read_text().splitlines()[0])
    assert header["type"] == "reward"


def test_an_ensemble_tells_the_constants_of_its_normaliser(make_project):
    project = make_project(ROWS, specs=["column:score"])
    add_reward(project, model="owner/m")
    scores = [value for n in range(9) for value in (1.0, n / 10)]
    ranks = np.arange(18.0)
    assert describe(project) == (
        "Map of the ensemble: the mean of z-scored scores, without scorers fitted on the labels. Normaliser: z-score "
        f"(ddof 0): column-score (column), mean {np.mean(scores):.6g}, sd {np.std(scores):.6g}; "
        f"reward-m (reward, model owner/m, revision not given), mean {ranks.mean():.6g}, sd {ranks.std():.6g}."
    )


def test_axes_and_counts_are_told():
    assert describe_axes("variability", {"variability": 0.0220960, "quality": None}) == (
        "Quality: the mean of a sample's scores. Variability: their population variance (ddof 0). "
        "Cuts: variability 0.0221."
    )
    assert describe_axes("margin", {}).endswith("in standard deviations of each scorer, mean over all scorers.")
    assert count_samples(19_579, 19_500, 9, "margin") == (
        "Samples: 19,500 of 19,579 shown; hidden: 70 out of view, 9 without margin or quality."
    )
