import pytest

from engine.exports.cards import advise_smoothing, write_card

PLAN = {"policy": "adm", "fraction": 1 / 3, "seed": 42, "format": "trl", "holdout": 0.05}
SOURCE = {"name": "a.jsonl", "sha256": "ab", "format": "h4", "rows": 9, "samples": 8, "refused": 1}
RESIDUAL = {"estimate": 0.0214, "low": 0.005, "high": 0.04, "controls": 96, "read": 1200, "reviewer_error": 0.03}


def manifest(**more) -> dict:
    return {
        "prefmap": "0.1.0",
        "output": {"file": "train.jsonl", "sha256": "00"},
        "plan": {**PLAN, "policy": "all", "holdout": None},
        "counts": {"samples": 8, "kept": 8, "rows": 8, "changed": 0, "dropped": {}, "rows_left_out": {}},
        "sources": [SOURCE],
        "scorers": [],
        "reviews": [],
        **more,
    }


def test_a_card_says_what_the_manifests_say():
    counts = {"samples": 8, "kept": 5, "rows": 5, "changed": 2, "dropped": {"held out": 1, "tie": 2}}
    held_counts = {"samples": 8, "kept": 1, "rows": 1, "changed": 1, "dropped": {"not held out": 6, "tie": 1}}
    scorer = {"scorer": "crossfit", "identity": "x", "parameters": {"seed": 0, "folds": 5}, "versions": {}}
    train = manifest(plan=PLAN, counts=counts, scorers=[scorer], residual_error=RESIDUAL)
    held_out = manifest(output={"file": "train.heldout.jsonl"}, plan=PLAN, counts=held_counts)
    assert (
        write_card(train, held_out)
        == """\
---
configs:
- config_name: default
  data_files:
  - split: train
    path: "train.jsonl"
  - split: test
    path: "train.heldout.jsonl"
tags:
- dpo
- preference
- prefmap
---

# train.jsonl

Preference data exported by prefmap 0.1.0, in the format `trl`.

Low variability, then highest quality: 0.333 of the samples (policy `adm`). \
0.05 of the prompts are held out (seed 42); none is in both files.

|  | `train.jsonl` | `train.heldout.jsonl` |
| --- | --- | --- |
| rows | 5 | 1 |
| samples | 5 | 1 |
| labels changed by a reviewer | 2 | 1 |
| left out: held out | 1 | 0 |
| left out: not held out | 0 | 6 |
| left out: tie | 2 | 1 |

Of the labels of the whole project about 2.1% are still wrong (95 % interval 0.5% to 4.0%), as estimated from 96 \
random controls among 1,200 labels read; 3.0% of the verdicts are taken to be wrong. \
For robust DPO in TRL that is loss_type="robust", label_smoothing=0.021.

## Scorers

| scorer | parameters |
| --- | --- |
| `crossfit` | `{"folds": 5, "seed": 0}` |

## Sources

| file | format | rows | samples | refused rows | sha256 |
| --- | --- | --- | --- | --- | --- |
| `a.jsonl` | h4 | 9 | 8 | 1 | `ab` |

`prefmap verify` checks a file that has its manifest beside it.
"""
    )


def test_a_card_claims_nothing_that_its_manifest_does_not():
    card = write_card(manifest())
    assert "still wrong" not in card
    assert "Scorers" not in card
    assert "held out" not in card
    assert "split: test" not in card
    assert "Every sample, with the verdicts applied." in card


def test_a_card_is_tagged_by_what_it_is_for():
    for layout, tags in (("kto", ["kto", "preference", "prefmap"]), ("same", ["preference", "prefmap"])):
        card = write_card(manifest(plan={**PLAN, "format": layout}))
        assert card.split("tags:\n")[1].split("---")[0].splitlines() == [f"- {tag}" for tag in tags]


def test_a_database_is_no_split():
    assert "configs" not in write_card(manifest(output={"file": "train.duckdb", "sha256": "00"}))


def test_outside_text_stays_in_its_cell():
    source = {**SOURCE, "name": "a`|b\n# <b>.jsonl"}
    assert "| `a'\\|b # <b>.jsonl` | h4 |" in write_card(manifest(sources=[source]))
    counts = {**manifest()["counts"], "dropped": {"<b> *x*\n# y": 1}}
    assert "| left out: \\<b> \\*x\\* \\# y | 1 |" in write_card(manifest(counts=counts))


@pytest.mark.parametrize(
    ("layout", "share", "said"),
    [
        ("trl", 0.05, 'For robust DPO in TRL that is loss_type="robust", label_smoothing=0.05.'),
        ("kto", 0.05, ""),
        ("same", 0.05, ""),
        ("trl", 0.0004, ""),
        ("trl", 0.5, ""),
    ],
)
def test_smoothing_is_advised_where_it_means_something(layout, share, said):
    assert advise_smoothing({"estimate": share}, layout) == said
