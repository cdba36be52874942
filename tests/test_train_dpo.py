"""scripts/train_dpo.py takes every export that DPO can learn from, and says in a sentence what it cannot do."""

import json

import pytest
import train_dpo
from dpo_training import PRESETS, Recipe, read_residual
from tiny_models import save_language_model

from engine.errors import ConfigError
from engine.exporting import export
from engine.exports.manifests import ExportPlan
from engine.selecting import POLICIES

pytestmark = [
    pytest.mark.train,
    pytest.mark.filterwarnings("ignore"),  # what other packages warn of while they are imported is not ours
]

FEW = ("--max-steps", "2", "--accumulation", "1", "--max-length", "128", "--save-steps", "0")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    save_language_model(folder)
    return folder


def run(file, model, output, *more):
    """Train, and give the summary."""
    train_dpo.main([str(file), "--model", str(model), "--output", str(output), *FEW, *more])
    return json.loads((output / "training.json").read_text())


@pytest.mark.parametrize("policy", [policy.name for policy in POLICIES])
def test_dpo_makes_two_updates_on_the_export_of_each_policy(sample_project, model, tmp_path, policy):
    file = tmp_path / "train.jsonl"
    export(sample_project, file, ExportPlan(policy=policy))
    said = run(file, model, tmp_path / "out", "--lora-rank", "0")
    assert (said["steps"], said["file"]["name"]) == (2, "train.jsonl")
    assert said["pairs"] > 0
    assert (tmp_path / "out" / "model.safetensors").exists()


@pytest.mark.parametrize(
    ("loss", "more", "beta", "file"),
    [
        ("robust", ("--smoothing", "0.1"), 0.01, "train.jsonl"),
        ("simpo", ("--preset", "mistral"), 2.0, "train.parquet"),
        ("dpo", ("--beta", "0.1"), 0.1, "train.parquet"),
    ],
)
@pytest.mark.parametrize("layout", ["trl", "trl-standard"])
def test_each_loss_trains_an_adapter_on_each_format(sample_project, model, tmp_path, loss, more, beta, file, layout):
    export(sample_project, tmp_path / file, ExportPlan(format=layout))
    said = run(tmp_path / file, model, tmp_path / "out", "--loss", loss, *more)
    assert (said["steps"], said["recipe"]["loss"], said["recipe"]["beta"]) == (2, loss, beta)
    assert (tmp_path / "out" / "adapter_model.safetensors").exists()


def test_the_same_command_goes_on_from_the_last_checkpoint(sample_project, model, tmp_path):
    file, output = tmp_path / "train.jsonl", tmp_path / "out"
    export(sample_project, file, ExportPlan())
    run(file, model, output, "--save-steps", "1")
    written = (output / "checkpoint-1" / "trainer_state.json").stat().st_mtime_ns
    said = run(file, model, output, "--save-steps", "1", "--max-steps", "3")
    assert said["steps"] == 3
    assert (output / "checkpoint-3").is_dir()
    assert (output / "checkpoint-1" / "trainer_state.json").stat().st_mtime_ns == written


def test_robust_dpo_takes_the_wrong_labels_that_the_review_measured(sample_project, tmp_path):
    file = tmp_path / "train.jsonl"
    export(sample_project, file, ExportPlan())
    with pytest.raises(ConfigError, match=r"states no residual error: that takes verdicts on controls\. Give --smooth"):
        read_residual(file)
    manifest = tmp_path / "train.jsonl.manifest.json"
    said = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**said, "residual_error": {"estimate": 0.07}}))
    assert read_residual(file) == 0.07


@pytest.mark.parametrize(
    ("content", "more", "sentence"),
    [
        (None, (), "There is no "),
        ('{"prompt": "a"}\n', (), "has no rows with prompt, chosen and rejected"),
        ("", (), "has no rows with prompt, chosen and rejected"),
        ('{"prompt": "a", "chosen": "b", "rejected": "c"}\n', ("--smoothing", ".1"), "--smoothing needs --loss robust"),
        (
            '{"prompt": "a", "chosen": "b", "rejected": "c"}\n',
            ("--loss", "robust", "--smoothing", ".5"),
            "--smoothing is 0.5; it must be 0 or more, and below .5",
        ),
    ],
)
def test_what_cannot_be_done_is_one_sentence(model, tmp_path, content, more, sentence):
    file = tmp_path / "train.jsonl"
    if content is not None:
        file.write_text(content)
    with pytest.raises(SystemExit, match=sentence) as left:
        run(file, model, tmp_path / "out", *more)
    assert "\n" not in str(left.value)


def test_the_presets_are_those_of_the_paper():
    assert PRESETS["llama3", "dpo"] == PRESETS["mistral", "dpo"] == Recipe(beta=0.01, learning_rate=5e-6)
    said = [
        (one.beta, one.gamma, one.learning_rate, one.batch, one.accumulation)
        for (_, loss), one in PRESETS.items()
        if loss == "simpo"
    ]
    assert said == [(2.4, 1.4, 1e-6, 4, 8), (2.0, 2.5, 3e-7, 4, 8)]
