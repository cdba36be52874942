"""Make tiny random models in folders: they say nothing of any text, but load and run like real ones.

Example: python scripts/tiny_models.py reward tiny-reward
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tiny_training import tiny_tokenizer

TEXTS = (
    "What is the capital of France?",
    "A long and good answer to question 12.",
    "The quick brown fox, naïve 日本語",
)

TEMPLATE = (
    "{{ bos_token }}{% if tools %}<|system|>{{ tools | tojson }}<|end|>{% endif %}"
    "{% for m in messages %}<|{{ m['role'] }}|>\n{{ m['content'] }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)

SPREAD = 0.3
"""Standard deviation of the random weights: enough for each token to count."""


def save_tokenizer(folder: Path, *, template: str | None = TEMPLATE, pad: str = "<|pad|>", doubles: bool = True) -> Any:
    """Save a tokenizer that, unless told otherwise, writes a BOS before any text, as those of Llama 3 do."""
    from tokenizers.processors import TemplateProcessing

    tokenizer = tiny_tokenizer(TEXTS)
    tokenizer.add_special_tokens({"bos_token": "<|begin|>", "pad_token": pad})
    tokenizer.chat_template = template
    if doubles:
        tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
            single="<|begin|> $A", special_tokens=[("<|begin|>", tokenizer.bos_token_id)]
        )
    tokenizer.save_pretrained(folder)
    return tokenizer


def save_reward_model(folder: Path, *, labels: int = 1, seed: int = 0, **tokenizer: Any) -> Any:
    """Save a random Llama with a head of so many values."""
    import transformers

    read = save_tokenizer(folder, **tokenizer)
    config = _llama(read, num_labels=labels)
    return _save(folder, transformers.LlamaForSequenceClassification, config, seed)


def save_language_model(folder: Path, *, seed: int = 0, **tokenizer: Any) -> Any:
    """Save a random Llama that predicts tokens."""
    import transformers

    return _save(folder, transformers.LlamaForCausalLM, _llama(save_tokenizer(folder, **tokenizer)), seed)


def save_pair_model(folder: Path, *, seed: int = 0) -> Any:
    """Save a random DeBERTa that reads a prompt and its response as two texts."""
    import transformers
    from tokenizers.processors import TemplateProcessing

    tokenizer = tiny_tokenizer(TEXTS)
    tokenizer.add_special_tokens({"cls_token": "<|cls|>", "sep_token": "<|sep|>"})
    tokenizer.chat_template = None
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="<|cls|> $A <|sep|>",
        pair="<|cls|> $A <|sep|> $B:1 <|sep|>:1",
        special_tokens=[("<|cls|>", tokenizer.cls_token_id), ("<|sep|>", tokenizer.sep_token_id)],
    )
    tokenizer.model_max_length = 128
    tokenizer.save_pretrained(folder)
    kind: Any = transformers.DebertaV2Config
    config = kind(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=512,
        type_vocab_size=2,
        relative_attention=True,
        pos_att_type=["c2p", "p2c"],
        initializer_range=SPREAD,
        pad_token_id=tokenizer.pad_token_id,
        num_labels=1,
    )
    return _save(folder, transformers.DebertaV2ForSequenceClassification, config, seed)


def _llama(tokenizer: Any, **more: Any) -> Any:
    from transformers import LlamaConfig

    return LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=512,
        initializer_range=SPREAD,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=tokenizer.bos_token_id,
        **more,
    )


def _save(folder: Path, kind: Any, config: Any, seed: int) -> Any:
    import torch
    from transformers.utils import logging

    logging_: Any = logging
    logging_.disable_progress_bar()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = kind(config).eval()
    model.save_pretrained(folder)
    return model


def main() -> None:
    """Save a model of the named kind."""
    kinds = {"reward": save_reward_model, "language": save_language_model, "pair": save_pair_model}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=kinds)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    kinds[args.kind](args.folder, seed=args.seed)


if __name__ == "__main__":
    main()
