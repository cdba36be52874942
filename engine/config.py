"""prefmap.toml: settings of a folder, of a project, of a person; the nearest one wins, key by key."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from engine.errors import ConfigError

NAME = "prefmap.toml"
SECTIONS = ("scorers", "review", "keys")
REVIEW_KEYS = {
    "reviewer": str, "target": int, "queue": str, "mode": str, "theme": str, "guidelines": str, "reader_error": float,
    "controls": float, "repeats": float, "live": bool,
}  # fmt: skip
LARGEST_SHARE = 0.5
MODES = ("sighted", "blind")


@dataclass(frozen=True, slots=True)
class Config:
    """What the files say."""

    scorers: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """Tables `[scorers.NAME]`: `scorer = "kind:model"` and the settings of that kind."""

    review: Mapping[str, object] = field(default_factory=dict)
    """`reviewer`, `target`, `queue`, `mode`, `theme`, `guidelines`: what `prefmap review` takes when it is not told;
    `reader_error`: how often a verdict is taken to be wrong; `controls`, `repeats`: their shares of the turns; `live`:
    whether verdicts rank the unread anew."""

    keys: Mapping[str, str] = field(default_factory=dict)
    """Keys by the id of what they do."""


def load_config(project: Path | None) -> Config:
    """Read prefmap.toml in the user's config folder, the project and the current folder; the last one wins."""
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "prefmap"
    scorers: dict[str, Mapping[str, object]] = {}
    review: dict[str, object] = {}
    keys: dict[str, str] = {}
    for folder in (home, project, Path()):
        if folder is not None and (folder / NAME).is_file():
            read = read_config(folder / NAME)
            scorers.update(read.scorers)
            review.update(read.review)
            keys.update(read.keys)
    return Config(scorers, review, keys)


def read_config(path: Path) -> Config:
    """Read one file; whatever is unknown in it is an error that names the nearest known word."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}.") from error
    for section, value in content.items():
        _check_known(path, section, SECTIONS)
        if not isinstance(value, dict):
            raise ConfigError(f"{path}: {section} must be a table, [{section}].")
    for name, table in content.get("scorers", {}).items():
        if not isinstance(table, dict):
            raise ConfigError(f"{path}: scorers.{name} must be a table, [scorers.{name}].")
        if "/" in name:
            raise ConfigError(f"{path}: scorers.{name} names a log file, so there can be no / in it.")
    for key, value in content.get("review", {}).items():
        _check_known(path, key, tuple(REVIEW_KEYS))
        _check_value(path, key, value)
    if content.get("review", {}).get("mode", MODES[0]) not in MODES:
        raise ConfigError(f"{path}: review.mode is {content['review']['mode']!r}; it may be {' or '.join(MODES)}.")
    review = content.get("review", {})
    if "guidelines" in review:
        review["guidelines"] = str(path.parent / review["guidelines"])
    return Config(content.get("scorers", {}), review, _read_keys(path, content.get("keys", {})))


def _check_value(path: Path, key: str, value: object) -> None:
    kind = REVIEW_KEYS[key]
    if kind is float:
        if type(value) not in (int, float) or not 0 <= value < LARGEST_SHARE:  # type: ignore[operator]
            raise ConfigError(f"{path}: review.{key} is {value!r}; it must be a share, at least 0 and below .5.")
    elif type(value) is not kind:
        raise ConfigError(f"{path}: review.{key} is {value!r}; it must be of type {kind.__name__}.")


def _read_keys(path: Path, table: Mapping[str, object]) -> dict[str, str]:
    """Read `review.flip = "g"`, which TOML takes for a table in a table, and the same in quotes."""
    keys: dict[str, str] = {}
    for name, value in table.items():
        for key, one in (
            {f"{name}.{key}": one for key, one in value.items()}.items() if isinstance(value, dict) else [(name, value)]
        ):
            if not isinstance(one, str):
                raise ConfigError(f'{path}: keys.{key} is {one!r}; write review.flip = "g", say.')
            keys[key] = one
    return keys


def _check_known(path: Path, word: str, known: tuple[str, ...]) -> None:
    if word in known:
        return
    near = get_close_matches(word, known, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"It may be {', '.join(known)}."
    raise ConfigError(f"{path}: there is no setting {word!r}. {hint}")
