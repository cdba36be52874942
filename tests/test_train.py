"""An export is only right when its trainer takes it: TRL, on a tiny random model."""

import json
from pathlib import Path

import pytest
from tiny_training import train_tiny

from engine.exporting import export
from engine.exports.manifests import ExportPlan
from engine.importing import import_file
from engine.mapping import build_map
from engine.project import Project
from engine.reviewing import Review
from engine.scorers.catalog import make_scorer
from engine.scoring import score
from engine.store import Store

pytestmark = [
    pytest.mark.train,
    pytest.mark.filterwarnings("ignore"),  # what other packages warn of while they are imported is not ours
]

HH = Path(__file__).resolve().parents[2] / "shared" / "data" / "hh-harmless-test.jsonl.gz"


def train_two_steps(rows, folder):
    """Run TRL's DPOTrainer for two steps, and give its prepared dataset and the steps it made."""
    from trl import DPOConfig, DPOTrainer

    trained = train_tiny(DPOTrainer, DPOConfig, rows, folder)
    return trained.dataset, trained.tokenizer, trained.steps


def reviewed(project: Project) -> Path:
    """Flip the three likeliest mislabels, drop one, call one a tie, and export what is left."""
    review = Review(project, "kim")
    store = Store.open(project.map)
    for ordinal, verdict in zip(store.order("suspicion")[:5], ("flip", "flip", "flip", "drop", "tie"), strict=True):
        review.give(store.sample(int(ordinal)), verdict)
    review.close()
    store.close()
    output = project.path.parent / "train.jsonl"
    done = export(project, output, ExportPlan())
    assert done.changed == 3
    return output


def check_boundary(dataset, tokenizer, rows):
    """TRL's prompt is the whole prompt and nothing else, and its responses are whole."""
    for prepared, row in zip(dataset, rows, strict=True):
        prompt = tokenizer.apply_chat_template(row["prompt"], tokenize=False, add_generation_prompt=True)
        assert tokenizer.decode(prepared["prompt_ids"]) == prompt
        for side in ("chosen", "rejected"):
            assert tokenizer.decode(prepared[f"{side}_ids"]).startswith(row[side][0]["content"])


def test_trl_trains_on_a_reviewed_export_of_the_sample_data(sample_project, tmp_path):
    rows = [json.loads(line) for line in reviewed(sample_project).read_text().splitlines()]
    dataset, tokenizer, steps = train_two_steps(rows, tmp_path / "out")
    assert steps == 2
    assert len(dataset) == len(rows) == 398
    check_boundary(dataset, tokenizer, rows)


@pytest.mark.skipif(not HH.exists(), reason="the HH-RLHF test file is not beside the project")
def test_trl_trains_on_a_reviewed_export_of_real_transcripts(tmp_path):
    project = Project(tmp_path / "hh.prefmap")
    import_file(project, HH)
    score(project, make_scorer("crossfit", {}))
    build_map(project)
    rows = [json.loads(line) for line in reviewed(project).read_text().splitlines()]
    dataset, tokenizer, steps = train_two_steps(rows, tmp_path / "out")
    assert steps == 2
    short = [row for row in rows if prompt_length(tokenizer, row) < 1024]
    assert len(dataset) == len(short)
    check_boundary(dataset, tokenizer, short)


def prompt_length(tokenizer, row):
    return len(tokenizer.apply_chat_template(row["prompt"], add_generation_prompt=True)["input_ids"])
