"""Colours: few, and each meaning also has a word or a sign."""

import os
from difflib import get_close_matches

from textual.theme import Theme

from engine.errors import ConfigError


def _theme(name: str, *, foreground: str, background: str, faint: str, panel: str, **colours: str) -> Theme:
    return Theme(
        name=name,
        foreground=foreground,
        background=background,
        surface=background,
        panel=panel,
        dark=background < foreground,
        variables={"faint": faint},
        **colours,  # type: ignore[arg-type]
    )


PREFMAP = _theme(
    "prefmap",
    foreground="#d0d0d0", background="#121212", panel="#1c1c1c", faint="#808080",
    primary="#5fafd7", secondary="#87afaf", accent="#d7af5f", warning="#d7af5f", error="#d75f5f", success="#87af5f",
)  # fmt: skip
LIGHT = _theme(
    "light",
    foreground="#1c1c1c", background="#fafafa", panel="#e4e4e4", faint="#6c6c6c",
    primary="#005f87", secondary="#5f5f87", accent="#875f00", warning="#875f00", error="#af0000", success="#005f00",
)  # fmt: skip
HIGH_CONTRAST = _theme(
    "high-contrast",
    foreground="#ffffff", background="#000000", panel="#000000", faint="#d0d0d0",
    primary="#00ffff", secondary="#ffffff", accent="#ffff00", warning="#ffff00", error="#ff5f5f", success="#5fff5f",
)  # fmt: skip
MONOCHROME = _theme(
    "monochrome",
    foreground="#d0d0d0", background="#000000", panel="#000000", faint="#d0d0d0",
    primary="#d0d0d0", secondary="#d0d0d0", accent="#d0d0d0", warning="#d0d0d0", error="#d0d0d0", success="#d0d0d0",
)  # fmt: skip

THEMES = (PREFMAP, LIGHT, HIGH_CONTRAST, MONOCHROME)


def name_theme(wanted: str) -> str:
    """Name a theme: as wanted, else the usual one; where colours are not wanted at all, the one without."""
    names = [theme.name for theme in THEMES]
    if not wanted:
        return MONOCHROME.name if os.environ.get("NO_COLOR") else PREFMAP.name
    if wanted not in names:
        near = get_close_matches(wanted, names, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"It may be {', '.join(names)}."
        raise ConfigError(f"There is no theme {wanted!r}. {hint}")
    return wanted
