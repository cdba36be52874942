"""Preparing: TRL's own trainers, made only to prepare rows as they would to train on them. Nothing is trained."""

import warnings
from collections.abc import Mapping, Sequence
from copy import deepcopy
from importlib.util import find_spec
from tempfile import TemporaryDirectory
from typing import Any

from engine.errors import VerifyError

HIDDEN = 8
"""Width of the model that a trainer must be given; it is never asked."""


def require_trl() -> None:
    """Raise VerifyError where TRL is not installed."""
    if find_spec("trl") is None or find_spec("datasets") is None:
        raise VerifyError(
            "--tokenizer has TRL itself prepare the rows, and TRL is not installed. "
            "Install it: pip install 'prefmap[train]'"
        )


def count_prepared(rows: Sequence[Mapping[str, object]], tokenizer: Any, layout: str, max_length: int) -> int:
    """Count the rows that TRL's DPOTrainer or KTOTrainer keeps. Raises VerifyError, with its words, where it stops."""
    if not rows:
        return 0
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what other packages warn of while they are imported is not ours
        import datasets
        import trl

        datasets.disable_progress_bars()
        library: Any = trl
        trainer, settings = (
            (library.KTOTrainer, library.KTOConfig) if layout == "kto" else (library.DPOTrainer, library.DPOConfig)
        )
        arguments = settings(output_dir=folder, max_length=max_length, per_device_train_batch_size=2, use_cpu=True,
                         bf16=False, gradient_checkpointing=False, report_to="none", disable_tqdm=True)  # fmt: skip
        model = _make_model(tokenizer)
        try:
            made = trainer(
                model=model,
                ref_model=deepcopy(model),
                args=arguments,
                train_dataset=datasets.Dataset.from_list(list(rows)),
                processing_class=tokenizer,
            )
        except Exception as error:
            said = str(error).strip().splitlines()
            raise VerifyError(f"TRL cannot prepare the rows: {said[0] if said else type(error).__name__}") from error
        return len(made.train_dataset)


def _make_model(tokenizer: Any) -> Any:
    """Make the smallest model that has the tokens."""
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=HIDDEN,
            intermediate_size=HIDDEN,
            num_hidden_layers=1,
            num_attention_heads=1,
            num_key_value_heads=1,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
    )
