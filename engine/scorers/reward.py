"""A reward model: a language model with a head of one value, run here or on a vLLM server."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from engine.errors import ScorerRefusedError
from engine.modelling.batching import Batches, in_windows
from engine.modelling.chat import ChatTemplate
from engine.modelling.encoding import ChatEncoder, PairEncoder, find_longest, find_pad
from engine.modelling.heads import find_head, read_rewards
from engine.modelling.loading import (
    Origin,
    Place,
    choose_place,
    fingerprint,
    load_classifier,
    load_config,
    load_tokenizer,
)
from engine.modelling.mixtures import find_overlap
from engine.modelling.served import Server
from engine.modelling.windows import describe, encode_window, list_asked
from engine.records import Sample, Score
from engine.scores.wanted import Wanted

TOKENS_ON_GPU = 65_536
TOKENS_ON_CPU = 2_048

PROVENANCE = {"provenance": True}


@dataclass(frozen=True)
class Reward:
    """The value that a sequence classifier with one label gives a response in its conversation."""

    model: str
    """Hub name or folder; on a server, the name that it serves."""

    revision: str = ""
    """Branch, tag or commit of a hub name."""

    longest: int = 0
    """In tokens; of a longer conversation the oldest turns are left out. 0: what the model can read."""

    dtype: str = ""
    """float32, bfloat16 or float16; empty: bfloat16 on a GPU, float32 on a CPU and for models of text pairs."""

    trust_remote_code: bool = False
    """Run the code that the model brings; it must be pinned by `revision`."""

    template: str = field(default="", metadata=PROVENANCE)
    """A file with a chat template, for a model without one; its content is part of the scorer's identity."""

    attention: str = field(default="", metadata=PROVENANCE)
    """eager, sdpa or flash_attention_2; empty: the best that the model allows."""

    device: str = field(default="", metadata=PROVENANCE)
    """cuda, cuda:1, mps or cpu; empty: the GPU where there is one."""

    batch_tokens: int = field(default=0, metadata=PROVENANCE)
    """Tokens that are computed at once, padding counted; 0: by the device."""

    server: str = field(default="", metadata=PROVENANCE)
    """The address of a running vLLM server, such as http://localhost:8000; empty: the model runs here."""

    concurrency: int = field(default=16, metadata=PROVENANCE)
    """How many requests the server is sent at once."""

    def __post_init__(self) -> None:
        if min(self.longest, self.batch_tokens) < 0 or self.concurrency < 1:
            raise ScorerRefusedError("reward: longest and batch_tokens must be 0 or more, concurrency 1 or more.")

    @property
    def packages(self) -> tuple[str, ...]:
        return () if self.server else ("torch", "transformers")

    def facts(self) -> dict[str, str]:
        """Say which weights, template and numbers the values come from."""
        return {"through": "vllm"} if self.server else dict(self._facts)

    def __call__(self, samples: Iterable[Sample]) -> Iterator[Score]:
        wanted = samples if isinstance(samples, Wanted) else Wanted(list(samples))
        learned = find_overlap(self.model, wanted.samples)
        if learned:
            wanted.tell(
                f"{self.model} learned from {' and '.join(learned)}, which this dataset holds: it may repeat the"
                " labels rather than check them."
            )
        if self.server:
            yield from Server(self.server, self.model, self.concurrency, wanted.tell).score(list_asked(wanted))
        else:
            yield from self._compute(wanted)

    def _compute(self, wanted: Wanted) -> Iterator[Score]:
        encoder, place = self._encoder, self._place
        default = TOKENS_ON_CPU if place.device == "cpu" else TOKENS_ON_GPU
        batches = Batches(self.batch_tokens or default, wanted.tell)
        rewards = None
        for window in in_windows(list_asked(wanted)):
            fit, never = encode_window(window, encoder)
            yield from never
            if fit and rewards is None:
                rewards = read_rewards(self._load(), find_pad(encoder.tokenizer))
            details = {key: describe(encoded) for key, encoded in fit}
            for key, value in batches.run(fit, rewards) if rewards else ():
                yield Score(key, value, "" if value is not None else "oom", details=details[key])

    def _load(self) -> Any:
        model = load_classifier(self._origin, self._config, self._place, self.attention)
        if isinstance(self._encoder, ChatEncoder) and find_head(model) is None:
            raise ScorerRefusedError(
                f"{self.model} has no plain linear head over its last token, so prefmap cannot read its value."
            )
        return model

    @cached_property
    def _origin(self) -> Origin:
        return Origin(self.model, self.revision, self.trust_remote_code)

    @cached_property
    def _config(self) -> Any:
        return load_config(self._origin)

    @cached_property
    def _encoder(self) -> ChatEncoder | PairEncoder:
        """Chat where there is a template; a text pair for an encoder without one."""
        tokenizer = load_tokenizer(self._origin)
        longest = find_longest(tokenizer, self._config, self.longest)
        if not (self.template or tokenizer.chat_template) and tokenizer.cls_token_id is not None:
            return PairEncoder(tokenizer, longest)
        return ChatEncoder(ChatTemplate(tokenizer, self.model, self.template), longest)

    @cached_property
    def _facts(self) -> dict[str, str]:
        encoder = self._encoder
        template = encoder.template.fingerprint if isinstance(encoder, ChatEncoder) else "text pair"
        return {"weights": fingerprint(self._origin, self._config), "template": template, "dtype": self._place.dtype}

    @cached_property
    def _place(self) -> Place:
        """Models of text pairs are small, and have heads that are not taken apart: they compute in float32."""
        plain = self.dtype or ("float32" if isinstance(self._encoder, PairEncoder) else "")
        return choose_place(self.device, plain)
