"""The models of the experiment: a small language model trained from scratch, and a reward model on top of it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from toy_language import Task, make_tokenizer

HIDDEN, LAYERS, HEADS = 64, 2, 4
LONGEST = 64
"""In tokens."""

BATCH = 64


def make_base(folder: Path, tasks: Sequence[Task], *, steps: int, seed: int) -> None:
    """Train a Llama of two layers from a random start on all responses of the tasks, good and bad, and save it."""
    import torch
    from datasets import Dataset
    from transformers import LlamaConfig, LlamaForCausalLM

    trl: Any = import_module("trl")
    tokenizer = make_tokenizer()
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=HIDDEN,
        intermediate_size=4 * HIDDEN,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
        max_position_embeddings=LONGEST,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
    )
    torch.manual_seed(seed)
    rows = [
        {"prompt": say("user", task.prompt), "completion": say("assistant", text)}
        for task in tasks
        for text in task.responses
    ]
    running = trl.SFTTrainer(
        model=LlamaForCausalLM(config),
        args=trl.SFTConfig(**_arguments(folder, steps, seed), learning_rate=3e-3, max_length=LONGEST),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
    )
    _finish(running, tokenizer, folder)


def fit_reward(folder: Path, base: Path, rows: Sequence[dict[str, Any]], *, steps: int, seed: int) -> None:
    """Fit a reward model, which starts from the base, on preferences, and save it."""
    import torch
    from datasets import Dataset
    from transformers import AutoModelForSequenceClassification

    trl: Any = import_module("trl")
    torch.manual_seed(seed)
    tokenizer = make_tokenizer()
    model = AutoModelForSequenceClassification.from_pretrained(base, num_labels=1)
    running = trl.RewardTrainer(
        model=model,
        args=trl.RewardConfig(**_arguments(folder, steps, seed), learning_rate=1e-3, max_length=LONGEST),
        train_dataset=Dataset.from_list(list(rows)),
        processing_class=tokenizer,
    )
    _finish(running, tokenizer, folder)


def _finish(trainer: Any, tokenizer: Any, folder: Path) -> None:
    from transformers import PrinterCallback

    trainer.remove_callback(PrinterCallback)
    trainer.train()
    trainer.model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def sample_answers(model: Any, tokenizer: Any, prompts: Sequence[str], *, seed: int) -> list[str]:
    """Draw one answer to each prompt, at temperature 1; all prompts have as many tokens."""
    import torch

    turns = [say("user", prompt) for prompt in prompts]
    asked = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    torch.manual_seed(seed)
    with torch.inference_mode():
        written = model.eval().generate(**asked, do_sample=True, temperature=1.0, top_k=0, top_p=1.0, max_new_tokens=24)
    answers: list[str] = tokenizer.batch_decode(written[:, asked["input_ids"].shape[1] :], skip_special_tokens=True)
    return answers


def say(role: str, content: str) -> list[dict[str, str]]:
    """Write a conversation of one turn."""
    return [{"role": role, "content": content}]


def _arguments(folder: Path, steps: int, seed: int) -> dict[str, Any]:
    return {
        "output_dir": str(folder),
        "max_steps": steps,
        "per_device_train_batch_size": BATCH,
        "lr_scheduler_type": "cosine",
        "warmup_steps": 0.05,
        "seed": seed,
        "bf16": False,
        "use_cpu": True,
        "gradient_checkpointing": False,
        "save_strategy": "no",
        "logging_steps": 50,
        "report_to": "none",
        "disable_tqdm": True,
    }
