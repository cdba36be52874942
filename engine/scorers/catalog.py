"""Which scorers there are, and how a SPEC such as `column:score?lower_is_better=true` becomes one."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import entry_points
from typing import Protocol
from urllib.parse import parse_qsl

from engine.endpoints.settings import hide_secrets
from engine.errors import ConfigError
from engine.records import Sample, Score, content_hash

SCORERS = {
    "crossfit": "engine.scorers.crossfit:Crossfit",
    "column": "engine.scorers.column:Column",
    "reference": "engine.scorers.reference:Reference",
    "reward": "engine.scorers.reward:Reward",
    "implicit": "engine.scorers.implicit:Implicit",
    "judge": "engine.scorers.judge.judge:Judge",
}
"""Import paths of the built-in kinds."""

GROUP = "prefmap.scorers"
"""Entry-point group of the scorers that other packages bring."""

PROVENANCE = "provenance"
"""Marks, in a field's metadata, what is recorded but changes no value: an endpoint, concurrency, a device."""

TRUE, FALSE = {"true", "yes", "1", "on"}, {"false", "no", "0", "off"}


class Scorer(Protocol):
    """A frozen dataclass of its parameters that is called.

    It may also have `depends_on_dataset`, `compares_responses`, `is_costly`, `packages` and `facts()`, as NamedScorer
    explains them, and `variant`, which its name ends with. prefmap calls it with engine.scores.wanted.Wanted, which
    knows more than the samples: once per run, on Ray once per chunk, so that what it loads should stay loaded.
    """

    def __call__(self, samples: Iterable[Sample]) -> Iterator[Score]:
        """Score each response at most once, in any order, as results come. The samples can be read more than once."""
        ...


@dataclass(frozen=True, slots=True)
class NamedScorer:
    """A scorer with what the log is named and known by."""

    name: str
    """The table's name, or `kind-model`."""

    kind: str
    scorer: Scorer
    from_table: bool

    @property
    def parameters(self) -> dict[str, object]:
        return asdict(self.scorer)  # type: ignore[call-overload, no-any-return]

    @property
    def depends_on_dataset(self) -> bool:
        """Whether the scores depend on all samples and labels, not on one response alone."""
        return bool(getattr(self.scorer, "depends_on_dataset", False))

    @property
    def compares_responses(self) -> bool:
        """Whether a response is scored beside the others of its sample, so that it must be given with them."""
        return bool(getattr(self.scorer, "compares_responses", False))

    @property
    def is_costly(self) -> bool:
        """Whether each score is so dear that it is written at once."""
        return bool(getattr(self.scorer, "is_costly", False))

    @property
    def has_batches(self) -> bool:
        """Whether it can leave its calls with a server, and collect the answers later."""
        return bool(getattr(self.scorer, "has_batches", False))

    @property
    def packages(self) -> tuple[str, ...]:
        """The packages whose versions the log keeps."""
        return tuple(getattr(self.scorer, "packages", ()))

    @property
    def facts(self) -> dict[str, str]:
        """What changes the values and is no parameter: the hash of a rubric or a chat template, a revision."""
        find = getattr(self.scorer, "facts", None)
        return dict(find()) if find else {}

    def identify(self, fingerprint: str) -> str:
        """Hash what changes the values: kind, parameters, facts, and the dataset where they depend on it."""
        where = {one.name for one in fields(self.scorer) if one.metadata.get(PROVENANCE)}  # type: ignore[arg-type]
        said = sorted(f"{key}={value!r}" for key, value in self.parameters.items() if key not in where)
        known = sorted(f"{key}:{value}" for key, value in self.facts.items())
        return content_hash(self.kind, *said, *known, fingerprint if self.depends_on_dataset else "")


def kinds() -> dict[str, str]:
    """List all kinds of scorers with their import paths: the built-in ones and those of other packages."""
    return {**{point.name: point.value for point in entry_points(group=GROUP)}, **SCORERS}


def make_scorer(spec: str, tables: Mapping[str, Mapping[str, object]]) -> NamedScorer:
    """Make the scorer of a SPEC, `kind[:model][?key=value&...]`, or of the table `[scorers.NAME]` of that name."""
    if spec in tables:
        given = dict(tables[spec])
        kind, _, model = str(given.pop("scorer", spec)).partition(":")
        return NamedScorer(spec, kind, _build(kind, model, given, where=f"[scorers.{spec}]"), from_table=True)
    head, _, query = spec.partition("?")
    kind, _, model = head.partition(":")
    given = dict(parse_qsl(query, keep_blank_values=True, strict_parsing=False))
    scorer = _build(kind, model, given, where=hide_secrets(spec))
    name = "-".join(filter(None, (kind, model.replace("/", "-"), str(getattr(scorer, "variant", "")))))
    return NamedScorer(name, kind, scorer, from_table=False)


def _build(kind: str, model: str, given: Mapping[str, object], where: str) -> Scorer:
    known = kinds()
    if kind not in known:
        raise ConfigError(f"There is no scorer {kind!r}.{_suggest(kind, known)} See: prefmap list scorers")
    module, _, attribute = known[kind].partition(":")
    made = getattr(import_module(module), attribute)
    types = {field.name: field for field in fields(made)}
    main = next(iter(types.values()), None)
    takes_model = main is not None and main.type in (str, "str")
    if main is not None and takes_model and main.default is MISSING and not (model or main.name in given):
        raise ConfigError(f"{where} needs a {main.name}: {kind}:{main.name.upper()}")
    if model and not takes_model:
        raise ConfigError(f"{where}: {kind} takes nothing behind the colon.")
    if main is not None and model and main.name in given:
        raise ConfigError(f"{where}: {main.name} is given twice.")
    values: dict[str, object] = {main.name: model} if main is not None and model else {}
    for key, value in given.items():
        if key not in types:
            raise ConfigError(f"{where}: {kind} has no setting {key!r}.{_suggest(key, types)}")
        values[key] = _convert(value, types[key].type, f"{where}: {key}")
    scorer: Scorer = made(**values)
    return scorer


def _suggest(word: str, known: Iterable[str]) -> str:
    names = list(known)
    near = get_close_matches(word, names, n=1)
    return f" Did you mean {near[0]}?" if near else f" It may be: {', '.join(names)}." if names else ""


def _convert(value: object, kind: object, where: str) -> object:
    """Turn the text of a SPEC into the type of a field; of a table, 5.7 is no int, and true is no number."""
    name = kind if isinstance(kind, str) else getattr(kind, "__name__", str(kind))
    try:
        if name == "bool":
            return _to_bool(value)
        return {"int": int, "float": float}.get(name, str)(str(value))
    except (ValueError, TypeError):
        raise ConfigError(f"{where} is {value!r}, not {name}.") from None


def _to_bool(value: object) -> bool:
    word = str(value).lower()
    if word not in TRUE | FALSE:
        raise ValueError(word)
    return word in TRUE
