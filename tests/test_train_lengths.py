"""What is foretold of an export's lengths is what TRL does: it keeps and cuts the very same rows."""

import json
import subprocess
import sys
from copy import deepcopy

import pytest
from tiny_training import TEMPLATE, tiny_model, tiny_tokenizer

from engine.errors import ExportRefusedError, VerifyError
from engine.exporting import export
from engine.exports.manifests import ExportPlan
from engine.exports.predicting import foresee, load_forecast
from engine.importing import import_file
from engine.project import Project
from engine.verifying import read_export, try_trl, verify

pytestmark = [
    pytest.mark.train,
    pytest.mark.filterwarnings("ignore"),  # what other packages warn of while they are imported is not ours
]

LENGTH = 48
LAYOUTS = ("trl", "trl-standard", "kto")
UNLIKE = TEMPLATE.replace("<|assistant|>{% endif %}", "<|assistant|>think</think>{% endif %}")
"""A template that renders a prompt alone otherwise than with its answer."""

STRICT = "{% if messages[0].role == 'system' %}{{ raise_exception('No system here') }}{% endif %}" + TEMPLATE


@pytest.fixture(scope="module")
def tokenizer():
    return tiny_tokenizer(["why word? no one knows, " * 20])


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    """60 pairs whose lengths lie on both sides of the limit, some with tools, a few of several turns."""
    file = tmp_path_factory.mktemp("lengths") / "pairs.jsonl"
    rows = [json.dumps(pair(n)) for n in range(60)]
    file.write_text("\n".join(rows) + "\n", encoding="utf-8")
    project = Project(file.with_suffix(".prefmap"))
    import_file(project, file)
    return project


def pair(n: int) -> dict:
    turns = [{"role": "user", "content": f"{n} why? " * (1 + n % 17)}]
    if n % 10 == 0:
        turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}, *turns]
    sides = {"chosen": "no one " * (1 + n * 7 % 19), "rejected": "word, " * (1 + n * 5 % 23)}
    row = {"prompt": turns, **{side: [{"role": "assistant", "content": text}] for side, text in sides.items()}}
    return {**row, "tools": [{"type": "function", "function": {"name": "f"}}]} if n % 9 == 0 else row


def ask_trl(rows: list[dict], tokenizer, layout: str, folder) -> dict[int, str]:
    """Have a trainer prepare the rows and collate each alone, and say what became of it."""
    import trl
    from datasets import Dataset

    trainer, settings = (trl.KTOTrainer, trl.KTOConfig) if layout == "kto" else (trl.DPOTrainer, trl.DPOConfig)
    arguments = settings(
        output_dir=str(folder),
        max_length=LENGTH,
        per_device_train_batch_size=2,
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        report_to="none",
    )
    model = tiny_model(tokenizer)
    made = trainer(
        model=model,
        ref_model=deepcopy(model),
        args=arguments,
        train_dataset=Dataset.from_list([{**row, "row": n} for n, row in enumerate(rows)]),
        processing_class=tokenizer,
    )
    fates = dict.fromkeys(range(len(rows)), "dropped")
    for prepared in made.train_dataset:
        answers = [
            prepared[f"{name}_ids"] for name in ("chosen", "rejected", "completion") if f"{name}_ids" in prepared
        ]
        whole = [len(prepared["prompt_ids"]) + len(answer) for answer in answers]
        collated = made.data_collator([prepared])["attention_mask"].sum(dim=1).tolist()
        fates[prepared["row"]] = "kept" if collated == whole else "cut"
    return fates


@pytest.mark.parametrize("template", [TEMPLATE, UNLIKE], ids=["plain", "unlike"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_trl_does_to_each_row_what_was_foretold(project, tokenizer, tmp_path, layout, template):
    tokenizer = deepcopy(tokenizer)
    tokenizer.chat_template = template
    done = export(project, tmp_path / "out.jsonl", ExportPlan(format=layout))
    rows = [dict(row) for row in read_export(done.output)]
    foretold = {n: foresee(row, tokenizer, LENGTH) for n, row in enumerate(rows)}
    assert set(foretold.values()) == {"kept", "cut", "dropped"}
    assert foretold == ask_trl(rows, tokenizer, layout, tmp_path / "trained")


@pytest.mark.parametrize("ending", [".jsonl", ".parquet"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_export_foretells_what_verify_has_trl_do(project, tokenizer, tmp_path, layout, ending):
    tokenizer.save_pretrained(tmp_path / "tiny")
    forecast = load_forecast(str(tmp_path / "tiny"), LENGTH, layout)
    done = export(project, tmp_path / f"out{ending}", ExportPlan(format=layout, holdout=0.3), forecast=forecast)
    for part in (done, done.held_out):
        said = json.loads(part.manifest.read_text())["forecast"]
        assert (said["tokenizer"], said["max_length"], said["refused"]) == ("tiny", LENGTH, 0)
        assert said["kept"] + said["dropped"] == part.rows == verify(part.output).rows
        tried = try_trl(part.output, str(tmp_path / "tiny"), LENGTH)
        assert (tried.kept, tried.cut, tried.dropped) == (said["kept"], said["cut"], said["dropped"])
        assert 0 < said["kept"] < part.rows
    assert forecast.kept == 0


def test_a_tokenizer_that_trl_could_not_use_is_one_sentence(tokenizer, tmp_path):
    bare = deepcopy(tokenizer)
    bare.chat_template = None
    bare.save_pretrained(tmp_path / "bare")
    with pytest.raises(ExportRefusedError) as refused:
        load_forecast(str(tmp_path / "bare"), LENGTH, "trl")
    assert str(refused.value) == (
        f"The tokenizer {tmp_path / 'bare'} has no chat template, so TRL cannot read conversations with it. "
        "Name one that has, or export --format trl-standard."
    )
    assert load_forecast(str(tmp_path / "bare"), LENGTH, "trl-standard").name == "bare"
    bare.eos_token = None
    bare.save_pretrained(tmp_path / "endless")
    with pytest.raises(ExportRefusedError, match="has no end-of-text token"):
        load_forecast(str(tmp_path / "endless"), LENGTH, "trl-standard")


def test_a_template_that_does_not_take_a_row_is_told(tokenizer, tmp_path):
    strict = deepcopy(tokenizer)
    strict.chat_template = STRICT
    strict.save_pretrained(tmp_path / "strict")
    rows = [pair(1), pair(2)]
    rows[1]["prompt"].insert(0, {"role": "system", "content": "Be brief."})
    (tmp_path / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    project = Project(tmp_path / "pairs.prefmap")
    import_file(project, tmp_path / "pairs.jsonl")
    out = tmp_path / "out.jsonl"
    words = ["export", project.path, "-o", out, "--tokenizer", tmp_path / "strict"]
    done = subprocess.run([sys.executable, "-m", "tui", *map(str, words)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "mind: its chat template makes TRL stop at row 2: No system here (such rows: 1)" in done.stderr
    with pytest.raises(VerifyError) as refused:
        try_trl(out, str(tmp_path / "strict"), 1024)
    assert str(refused.value) == (
        f"{out}: the chat template of strict does not take 1 of 2 rows, and TRL would stop at the first, "
        "row 2: No system here."
    )


def test_the_commands_tell_of_lengths_in_one_line_each(project, tokenizer, tmp_path):
    tokenizer.save_pretrained(tmp_path / "tiny")
    more = ["--tokenizer", "tiny", "--max-length", str(LENGTH)]
    said = []
    for words in (["export", str(project.path), "-o", "out.jsonl", *more], ["verify", "out.jsonl", *more]):
        done = subprocess.run([sys.executable, "-m", "tui", *words], capture_output=True, text=True, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        said.append([line for line in done.stderr.splitlines() if line.startswith("  TRL")])
    counts = json.loads((tmp_path / "out.jsonl.manifest.json").read_text())["forecast"]
    assert said == [
        [f"  TRL with tiny would drop {counts['dropped']} rows whose prompt fills {LENGTH} tokens, and cut "
         f"{counts['cut']} that are longer."],
        [f"  TRL kept {counts['kept']} of 60 rows at {LENGTH} tokens, and would cut {counts['cut']}."],
    ]  # fmt: skip
