"""The reward that a trained policy implies: how much likelier it makes a response than its reference did."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from engine.errors import ScorerRefusedError
from engine.modelling.batching import Batches, in_windows
from engine.modelling.chat import ChatTemplate
from engine.modelling.encoding import ChatEncoder, Encoded, find_longest, find_pad
from engine.modelling.loading import (
    Origin,
    Place,
    choose_place,
    fingerprint,
    load_config,
    load_language_model,
    load_tokenizer,
)
from engine.modelling.log_probs import KeptLogProbs, LogProb, LogProbs, read_log_probs
from engine.modelling.windows import describe, encode_window, list_asked
from engine.records import Sample, Score, content_hash
from engine.scores.wanted import Wanted

TOKENS_ON_GPU = 16_384
"""Fewer than for a reward model: each token has logits as wide as the vocabulary."""

TOKENS_ON_CPU = 2_048

PROBE = "Two tokenizers agree:  naïve 12,345 日本語\n\tif x == y: pass 🙂"

KEPT = "reference-log-probs"
"""The folder, beside the score logs, of what references said."""

PROVENANCE = {"provenance": True}


@dataclass(frozen=True)
class Implicit:
    """beta x (log pi - log pi_ref), summed over the tokens of the response; without a reference, log pi alone."""

    policy: str
    """Hub name, folder or .gguf file; behind a comma, that of the reference."""

    beta: float = 0.1
    """As the policy was trained with; without a reference it plays no part."""

    length_normalised: bool = False
    """Divide by the number of tokens of the response."""

    revision: str = ""
    """Of the policy: branch, tag or commit of a hub name."""

    reference_revision: str = ""
    """Of the reference."""

    longest: int = 0
    """In tokens; of a longer conversation the oldest turns are left out. 0: what both models can read."""

    dtype: str = ""
    """float32, bfloat16 or float16; empty: bfloat16 on a GPU, float32 on a CPU."""

    trust_remote_code: bool = False
    """Run the code that the models bring; they must be pinned by their revisions."""

    template: str = field(default="", metadata=PROVENANCE)
    """A file with a chat template, for models without one; its content is part of the scorer's identity."""

    attention: str = field(default="", metadata=PROVENANCE)
    """eager, sdpa or flash_attention_2; empty: the best that the model allows."""

    device: str = field(default="", metadata=PROVENANCE)
    """cuda, cuda:1, mps or cpu; empty: the GPU where there is one."""

    batch_tokens: int = field(default=0, metadata=PROVENANCE)
    """Tokens that are computed at once, padding counted; 0: by the device."""

    packages = ("torch", "transformers")

    def __post_init__(self) -> None:
        if not self.beta > 0 or min(self.longest, self.batch_tokens) < 0:
            raise ScorerRefusedError("implicit: beta must be above 0, longest and batch_tokens 0 or more.")
        if not all(name.strip() for name in self._names) or len(self._names) > 2:
            raise ScorerRefusedError(f"implicit takes POLICY or POLICY,REFERENCE, not {self.policy!r}.")

    @property
    def variant(self) -> str:
        """What the scorer's name tells of how the value is made."""
        said = ("" if self._reference else "log-pi", "per-token" if self.length_normalised else "")
        return "-".join(filter(None, said))

    def facts(self) -> dict[str, str]:
        """Say which weights, template and numbers the values come from."""
        return dict(self._facts)

    def __call__(self, samples: Iterable[Sample]) -> Iterator[Score]:
        wanted = samples if isinstance(samples, Wanted) else Wanted(list(samples))
        if self._reference is None:
            wanted.tell(
                "There is no reference model, so the value is log pi alone, which favours short and likely responses;"
                " give both: implicit:POLICY,REFERENCE"
            )
        default = TOKENS_ON_CPU if self._place.device == "cpu" else TOKENS_ON_GPU
        batches = Batches(self.batch_tokens or default, wanted.tell)
        policy: LogProbs | None = None
        reference: LogProbs | None = None
        kept = KeptLogProbs(self._kept_file(wanted.folder))
        for window in in_windows(list_asked(wanted)):
            fit, never = encode_window(window, self._encoder)
            yield from never
            unknown = [(key, one) for key, one in fit if self._reference and key not in kept.known]
            if self._reference and unknown:
                reference = reference or self._load(self._reference, self._reference_config)
                for key, said in batches.run(unknown, reference):
                    kept.add({key: said} if said else {})
            if fit:
                policy = policy or self._load(self._policy, self._policy_config)
                yield from self._score(fit, batches.run(fit, policy), kept)

    def _score(
        self, fit: Sequence[tuple[str, Encoded]], found: Iterable[tuple[str, LogProb | None]], kept: KeptLogProbs
    ) -> Iterator[Score]:
        encoded = dict(fit)
        for key, policy in found:
            reference = kept.known.get(key)
            if policy is None or (self._reference and reference is None):
                yield Score(key, None, "oom", details=describe(encoded[key]))
                continue
            said = {"log_pi": policy.total, **({"log_pi_ref": reference.total} if reference else {})}
            value = self.beta * (policy.total - reference.total) if reference else policy.total
            if self.length_normalised:
                value /= policy.tokens
            yield Score(key, value, details={**describe(encoded[key]), "response_tokens": policy.tokens, **said})

    def _load(self, origin: Origin, config: Any) -> LogProbs:
        model = load_language_model(origin, config, self._place, self.attention)
        return read_log_probs(model, find_pad(self._encoder.tokenizer))

    @cached_property
    def _facts(self) -> dict[str, str]:
        made = "beta x (log pi - log pi_ref)" if self._reference else "log pi"
        shared = {"value": made, "template": self._encoder.template.fingerprint, "dtype": self._place.dtype}
        reference = {"reference": fingerprint(self._reference, self._reference_config)} if self._reference else {}
        return {**shared, "policy": fingerprint(self._policy, self._policy_config), **reference}

    @cached_property
    def _names(self) -> list[str]:
        return self.policy.split(",")

    @cached_property
    def _policy(self) -> Origin:
        return Origin(self._names[0].strip(), self.revision, self.trust_remote_code)

    @cached_property
    def _reference(self) -> Origin | None:
        if len(self._names) < 2:
            return None
        return Origin(self._names[1].strip(), self.reference_revision, self.trust_remote_code)

    @cached_property
    def _policy_config(self) -> Any:
        return load_config(self._policy)

    @cached_property
    def _reference_config(self) -> Any:
        return load_config(self._reference) if self._reference else None

    @cached_property
    def _place(self) -> Place:
        return choose_place(self.device, self.dtype)

    @cached_property
    def _encoder(self) -> ChatEncoder:
        """Read with the policy's tokenizer; raises ScorerRefusedError when the reference reads otherwise."""
        tokenizer = load_tokenizer(self._policy)
        template = ChatTemplate(tokenizer, self._policy.model, self.template, must_part=True)
        longest = find_longest(tokenizer, self._policy_config, self.longest)
        if self._reference is None:
            return ChatEncoder(template, longest)
        other = load_tokenizer(self._reference)
        same = other.get_vocab() == tokenizer.get_vocab() and other(PROBE)["input_ids"] == tokenizer(PROBE)["input_ids"]
        if not same:
            raise ScorerRefusedError(
                f"{self._policy.model} and {self._reference.model} have different tokenizers, so their probabilities"
                " are of different things: the reference must be the model that the policy was trained from."
            )
        if ChatTemplate(other, self._reference.model, self.template).fingerprint != template.fingerprint:
            raise ScorerRefusedError(
                f"{self._policy.model} and {self._reference.model} have different chat templates; name the one to use"
                " for both: template=FILE."
            )
        return ChatEncoder(template, find_longest(other, self._reference_config, longest))

    def _kept_file(self, folder: Path | None) -> Path | None:
        """Name the file by all that changes what the reference says."""
        if folder is None or self._reference is None:
            return None
        encoder = self._encoder
        made_of = (self._facts["reference"], encoder.template.fingerprint, self._place.dtype, str(encoder.longest))
        return folder / KEPT / f"{content_hash(*made_of)}.jsonl"
