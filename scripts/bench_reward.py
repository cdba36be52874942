"""Time prefmap's token-budget batches beside the text-classification pipeline of transformers at batch 8, in one run.

The model is random, of a size to choose; the lengths are mixed as in real preference data. Both read the same texts.

Example: python scripts/bench_reward.py --samples 60 --hidden 256 --layers 4
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tiny_models import save_tokenizer

from engine.modelling.chat import ChatTemplate
from engine.modelling.conversations import Conversation
from engine.records import Message, Sample
from engine.scorers.reward import Reward

PIPELINE_BATCH = 8
MEDIAN_WORDS, SPREAD, FEWEST, MOST = 80, 0.9, 4, 900
"""Lengths of responses: log-normal, as those of UltraFeedback roughly are."""

PEAK_BFLOAT16 = {"H100": 989e12, "H200": 989e12, "A100": 312e12}
"""Dense FLOP/s that the maker states, by a part of the device's name."""

WORDS = ("the", "answer", "of", "question", "long", "good", "quick", "brown", "fox", "capital")


class Times(NamedTuple):
    """Seconds on the wall, and of all processors: those stay the same where others use the machine too."""

    wall: float
    processor: float

    @classmethod
    def now(cls) -> Times:
        return cls(time.perf_counter(), time.process_time())

    def since(self, earlier: Times) -> Times:
        return Times(self.wall - earlier.wall, self.processor - earlier.processor)


def main() -> None:
    """Print what both take, the ratio, and the largest difference of two values."""
    import torch

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=60)
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--batch-tokens", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1, help="of torch; several on a shared machine measure the wait")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    samples = make_samples(args.samples, args.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parameters = save_model(folder, args.hidden, args.layers)
        report(folder, samples, args.batch_tokens, parameters)


def make_samples(count: int, seed: int) -> list[Sample]:
    draw = random.Random(seed)

    def text() -> str:
        words = min(MOST, max(FEWEST, int(draw.lognormvariate(0, SPREAD) * MEDIAN_WORDS)))
        return " ".join(draw.choices(WORDS, k=words))

    return [
        Sample.of(prompt=[Message("user", text())], texts=(text(), text()), labels=(1.0, 0.0)) for _ in range(count)
    ]


def save_model(folder: Path, hidden: int, layers: int) -> int:
    """Save a random Llama with a head of one value, and give the number of its parameters without embeddings."""
    import torch
    import transformers

    tokenizer = save_tokenizer(folder)
    kind: Any = transformers.LlamaForSequenceClassification
    config: Any = transformers.LlamaConfig
    torch.manual_seed(0)
    model = kind(
        config(
            vocab_size=len(tokenizer),
            hidden_size=hidden,
            intermediate_size=4 * hidden,
            num_hidden_layers=layers,
            num_attention_heads=hidden // 64,
            num_key_value_heads=hidden // 64,
            max_position_embeddings=8192,
            pad_token_id=tokenizer.pad_token_id,
            num_labels=1,
        )
    )
    model.save_pretrained(folder)
    return sum(weight.numel() for name, weight in model.named_parameters() if "embed" not in name)


def report(folder: Path, samples: Sequence[Sample], batch_tokens: int, parameters: int) -> None:
    import torch

    scorer = Reward(str(folder), batch_tokens=batch_tokens)
    scorer.facts()
    list(scorer(samples[:2]))
    ours, (seconds, work), tokens = time_ours(scorer, samples)
    theirs, (their_seconds, their_work) = time_pipeline(folder, scorer, samples)
    difference = max(abs(ours[key] - theirs[key]) for key in ours)
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    print(f"{len(ours):,} responses, {tokens:,} tokens, {parameters / 1e6:,.1f} M parameters, {device}")
    print(f"  prefmap            {seconds:8.2f} s  {work:8.2f} s of processor  {tokens / seconds:9,.0f} tokens/s")
    print(
        f"  pipeline, batch {PIPELINE_BATCH}  {their_seconds:8.2f} s  {their_work:8.2f} s of processor"
        f"  {tokens / their_seconds:9,.0f} tokens/s"
    )
    print(f"  ratio {their_seconds / seconds:.2f}, of processor time {their_work / work:.2f}")
    print(f"  largest difference of two values {difference:.1e}")
    for name, peak in PEAK_BFLOAT16.items():
        if name in device:
            print(f"  {2 * parameters * tokens / seconds / peak:.1%} of the peak of bfloat16")


def time_ours(scorer: Reward, samples: Sequence[Sample]) -> tuple[dict[str, float], Times, int]:
    """Give the values, the seconds with the loading of the model, and the tokens without padding."""
    started = Times.now()
    scores = list(scorer(samples))
    seconds = Times.now().since(started)
    read = [one.details["tokens"] for one in scores]
    values = {one.response_id: one.value for one in scores if one.value is not None}
    return values, seconds, sum(count for count in read if isinstance(count, int))


def time_pipeline(folder: Path, scorer: Reward, samples: Sequence[Sample]) -> tuple[dict[str, float], Times]:
    """Give the same for transformers; the texts are rendered before, and the time is with the loading of the model."""
    import torch
    import transformers

    template = ChatTemplate(scorer._encoder.tokenizer, str(folder))
    texts = {
        one.response_id: template.render(Conversation.of(sample, one)).text
        for sample in samples
        for one in sample.responses
    }
    make: Any = transformers.pipeline
    started = Times.now()
    dtype = getattr(torch, scorer._place.dtype)
    classify = make("text-classification", model=str(folder), device=scorer._place.device, dtype=dtype)
    how = {"add_special_tokens": False, "function_to_apply": "none", "batch_size": PIPELINE_BATCH}
    found = list(classify((text for text in texts.values()), **how))
    seconds = Times.now().since(started)
    return {key: one["score"] for key, one in zip(texts, found, strict=True)}, seconds


if __name__ == "__main__":
    main()
