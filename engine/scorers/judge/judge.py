"""LLM-as-a-judge: a language model behind an OpenAI-compatible server rates or compares responses."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from engine.endpoints.costs import Prices
from engine.endpoints.settings import clean_url, find_endpoint
from engine.errors import ConfigError, ScorerRefusedError
from engine.records import Sample, Score
from engine.scorers.judge.prompts import hash_prompts
from engine.scorers.judge.questions import Pairwise, Pointwise
from engine.scorers.judge.rubric import hash_rubric, read_rubric
from engine.scorers.judge.running import Run, Settings
from engine.scores.wanted import Wanted

MODES = ("pointwise", "pairwise")
PROVENANCE = {"provenance": True}


@dataclass(frozen=True)
class Judge:
    """Asks a model how good each response is, by each aspect of a rubric."""

    model: str
    mode: str = "pointwise"
    """pointwise: each response alone. pairwise: each two of a sample, in both orders."""

    aspects: str = ""
    """Names of the rubric, with commas between; empty: all."""

    samples: int = 1
    """How many answers to draw and average where the server tells no token probabilities."""

    rationale: bool = False
    """Ask for the reason before the score."""

    max_tokens: int = 256
    """Of one answer."""

    rubric: str = field(default="", metadata=PROVENANCE)
    """A TOML file; its content, not its place, is part of the identity."""

    base_url: str = field(default="", metadata=PROVENANCE)
    """Of the server, up to /v1; empty: OPENAI_BASE_URL, else OpenAI's own."""

    api_key_env: str = field(default="OPENAI_API_KEY", metadata=PROVENANCE)
    """The environment variable that holds the key."""

    concurrency: int = field(default=4, metadata=PROVENANCE)
    """Calls at once to begin with; it halves when the server refuses, and creeps up while it does not."""

    max_concurrency: int = field(default=64, metadata=PROVENANCE)
    timeout: float = field(default=90.0, metadata=PROVENANCE)
    """Seconds for one call."""

    input_price: float = field(default=0.0, metadata=PROVENANCE)
    output_price: float = field(default=0.0, metadata=PROVENANCE)
    cached_price: float = field(default=0.0, metadata=PROVENANCE)
    """USD per million tokens; 0: not known (for cached ones: as the others)."""

    is_costly: ClassVar[bool] = True
    has_batches: ClassVar[bool] = True
    packages: ClassVar[tuple[str, ...]] = ("openai",)

    def __post_init__(self) -> None:
        if self.base_url:
            clean_url(self.base_url)
        if self.mode not in MODES:
            raise ConfigError(f"mode is {self.mode!r}; it must be pointwise or pairwise.")
        for name in ("samples", "max_tokens", "concurrency", "max_concurrency", "timeout"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be more than 0.")

    @property
    def compares_responses(self) -> bool:
        return self.mode == "pairwise"

    def facts(self) -> dict[str, str]:
        """Hash the rubric and the words around it. Raises ConfigError when the rubric cannot be read."""
        return {"rubric": hash_rubric(self.plan().aspects), "prompt": hash_prompts()}

    def plan(self) -> Pointwise | Pairwise:
        aspects = read_rubric(Path(self.rubric).expanduser() if self.rubric else None, self.aspects)
        return (Pairwise if self.compares_responses else Pointwise)(aspects, self.rationale)

    @property
    def prices(self) -> Prices | None:
        if not (self.input_price or self.output_price):
            return None
        return Prices(self.input_price, self.output_price, self.cached_price or self.input_price)

    def __call__(self, samples: Iterable[Sample]) -> Iterator[Score]:
        """Yield the scores of each answer as it comes. Raises EndpointError when the server answers no more."""
        wanted = samples if isinstance(samples, Wanted) else Wanted(samples)
        if wanted.budget is not None and self.prices is None:
            raise ScorerRefusedError(
                f"--budget needs the prices of {self.model}: set input_price and output_price, in USD per million"
                " tokens."
            )
        endpoint = find_endpoint(self.model, self.base_url, self.api_key_env, self.timeout)
        settings = Settings(
            self.plan(), self.samples, self.max_tokens, self.concurrency, self.max_concurrency, self.prices
        )
        yield from Run(wanted, endpoint, settings, tag=tuple(self.facts().values())).scores()
