"""What a person set for the review: keys, theme, guidelines."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from engine.config import Config
from engine.errors import ConfigError
from engine.project import Project
from tui.keys import check_keymap
from tui.theme import THEMES, name_theme

GUIDELINES = "guidelines.md"
HASH_DIGITS = 16
LEAST_SECONDS = 0.08
"""Nobody reads that fast: the key was typed ahead, or is held down (a terminal repeats it every 0.02 to 0.05 s)."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of one review."""

    theme: str = THEMES[0].name
    keymap: Mapping[str, str] = field(default_factory=dict)
    """Keys by the id of what they do, where they are not the usual ones."""

    guidelines: str = ""
    least_seconds: float = LEAST_SECONDS
    """How long a sample must have been on the screen when a key decides it; 0: no time at all."""

    @classmethod
    def of(cls, project: Project, config: Config) -> Self:
        """Read what prefmap.toml and the project say. Raises ConfigError."""
        said = config.review.get("guidelines")
        path = Path(str(said)) if said else project.path / GUIDELINES
        try:
            text = path.read_text(encoding="utf-8") if said or path.is_file() else ""
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"The guidelines {path} cannot be read: {error}.") from error
        return cls(name_theme(str(config.review.get("theme") or "")), check_keymap(config.keys), text)

    @property
    def circumstances(self) -> dict[str, object]:
        """What each verdict's line says of the guidelines that it was given under."""
        if not self.guidelines:
            return {}
        return {"guidelines": hashlib.sha256(self.guidelines.encode()).hexdigest()[:HASH_DIGITS]}
