"""Rubrics: what a judge is asked, aspect by aspect, and what the ends of each scale mean."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from engine.errors import ConfigError
from engine.records import content_hash

DEFAULT = Path(__file__).with_name("rubric.toml")
KEYS = {"name", "question", "scale"}
WIDEST_SCALE = 100


@dataclass(frozen=True, slots=True)
class Aspect:
    """One question about a response, answered by a whole number."""

    name: str
    question: str
    scale: Mapping[int, str]
    """What some of the numbers mean, the lowest and the highest among them; higher is better."""

    @property
    def numbers(self) -> range:
        return range(min(self.scale), max(self.scale) + 1)


def read_rubric(path: Path | None, wanted: str) -> tuple[Aspect, ...]:
    """Read the aspects of a file, or the default ones; `wanted` names some of them, with commas between."""
    path = path or DEFAULT
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"The rubric {path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"The rubric {path} is not TOML: {error}.") from error
    tables = said.get("aspects")
    if not isinstance(tables, list) or not tables:
        raise ConfigError(f"The rubric {path} has no [[aspects]].")
    aspects = {aspect.name: aspect for aspect in (_read_aspect(path, table) for table in tables)}
    if len(aspects) < len(tables):
        raise ConfigError(f"The rubric {path} has two aspects of one name.")
    names = [name.strip() for name in wanted.split(",") if name.strip()] or list(aspects)
    for name in names:
        if name not in aspects:
            near = get_close_matches(name, aspects, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"It may be: {', '.join(aspects)}."
            raise ConfigError(f"The rubric has no aspect {name!r}. {hint}")
    return tuple(aspects[name] for name in dict.fromkeys(names))


def _read_aspect(path: Path, table: object) -> Aspect:
    if not isinstance(table, dict) or set(table) != KEYS:
        raise ConfigError(f"The rubric {path}: each of [[aspects]] must have name, question and scale, and no more.")
    name, question, scale = table["name"], table["question"], table["scale"]
    if not (isinstance(name, str) and isinstance(question, str) and name and question):
        raise ConfigError(f"The rubric {path}: name and question must be text.")
    if "," in name:
        raise ConfigError(f"The rubric {path}: the name {name!r} must have no comma.")
    try:
        numbers = {int(number): str(meaning) for number, meaning in scale.items()}
    except (AttributeError, ValueError):
        numbers = {}
    if len(numbers) < 2 or min(numbers, default=0) < 0 or max(numbers) - min(numbers) > WIDEST_SCALE:
        raise ConfigError(
            f"The rubric {path}: the scale of {name} must say what its lowest and its highest number mean,"
            ' such as scale.1 = "...".'
        )
    return Aspect(name, question, dict(sorted(numbers.items())))


def hash_rubric(aspects: tuple[Aspect, ...]) -> str:
    """Hash what a judge is asked."""
    parts = [(one.name, one.question, *(f"{number}: {said}" for number, said in one.scale.items())) for one in aspects]
    return content_hash(*(text for part in parts for text in (str(len(part)), *part)))
