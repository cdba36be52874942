"""What the terminal can show."""

import os
import sys
from dataclasses import dataclass
from typing import Self

from engine.visible import ascii_only, visible

COERCED = {"C.UTF-8", "C.utf8", "UTF-8"}
"""What Python itself puts into LC_CTYPE when it starts in the C locale (PEP 538)."""


@dataclass(frozen=True, slots=True)
class Charset:
    """Which characters are safe to send."""

    has_frames: bool
    """Lines and braille; without them ASCII stands in."""

    has_unicode: bool
    """Any letter; without it `<U+00E9>` stands in."""

    @classmethod
    def of_terminal(cls) -> Self:
        """Ask the locale for frames, and the encoding of the output for letters."""
        has_unicode = "utf" in (sys.__stderr__.encoding if sys.__stderr__ else "").lower()
        return cls(has_unicode and "utf" in _name_locale().lower(), has_unicode)

    @property
    def rule(self) -> str:
        return "\u2500" if self.has_frames else "-"

    @property
    def bar(self) -> str:
        return "\u2502" if self.has_frames else "|"

    @property
    def box_rule(self) -> str:
        return self.rule if self.has_frames else "_"

    @property
    def box_bar(self) -> str:
        return self.bar if self.has_frames else "!"

    @property
    def box_corners(self) -> str:
        """Upper left, upper right, lower left, lower right."""
        return "\u250c\u2510\u2514\u2518" if self.has_frames else "__!!"

    @property
    def ellipsis(self) -> str:
        return "\u2026" if self.has_frames else "..."

    def show(self, text: str) -> str:
        """Make outside text fit to be sent."""
        shown = visible(text)
        return shown if self.has_unicode else ascii_only(shown)


def _name_locale() -> str:
    """Name the locale that the person chose, not the one that Python made of it."""
    chosen = os.environ.get("LC_CTYPE", "")
    if sys.flags.utf8_mode and chosen in COERCED:
        chosen = ""
    return os.environ.get("LC_ALL") or chosen or os.environ.get("LANG") or ""
