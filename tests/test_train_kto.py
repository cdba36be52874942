"""The kto export is only right when TRL's KTOTrainer takes it, and sets each answer beside another prompt."""

import json

import pytest
from tiny_training import train_tiny

from engine.exporting import export
from engine.exports.manifests import ExportPlan

pytestmark = [
    pytest.mark.train,
    pytest.mark.filterwarnings("ignore"),  # what other packages warn of while they are imported is not ours
]


def test_trl_trains_kto_on_an_export_of_the_sample_data(sample_project, tmp_path):
    from trl import KTOConfig, KTOTrainer

    done = export(sample_project, tmp_path / "kto.jsonl", ExportPlan(format="kto"))
    rows = [json.loads(line) for line in done.output.read_text().splitlines()]
    dataset, tokenizer, steps = train_tiny(KTOTrainer, KTOConfig, rows, tmp_path / "out")
    assert steps == 2
    assert len(dataset) == len(rows) == done.rows
    assert dataset["label"] == [row["label"] for row in rows]
    assert sum(dataset["label"]) == done.kept == 400
    answers: dict[str, set[str]] = {}
    for prepared, row in zip(dataset, rows, strict=True):
        prompt, answer = (tokenizer.decode(prepared[f"{part}_ids"]) for part in ("prompt", "completion"))
        assert prompt == tokenizer.apply_chat_template(row["prompt"], tokenize=False, add_generation_prompt=True)
        assert answer.startswith(row["completion"][0]["content"])
        answers.setdefault(prompt, set()).add(answer)
    for prepared in dataset:
        borrowed = tokenizer.decode(prepared["KL_completion_ids"])
        assert borrowed not in answers[tokenizer.decode(prepared["prompt_ids"])]
