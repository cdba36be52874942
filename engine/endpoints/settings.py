"""Where an OpenAI-compatible server is, which model answers, and the key, which goes nowhere but to that server."""

import os
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from engine.errors import ConfigError

OPENAI = "https://api.openai.com/v1"
NO_KEY = "none"
"""What a server without keys is sent; the header must hold something."""

SHORTEST_SECRET = 8
"""Shorter keys, such as EMPTY, are no secret: hiding them would cut words out of texts."""

SECRET = re.compile(
    r"(?i)(\b(?!api_key_env\b|max_tokens\b)[\w-]*(?:key|token|secret|passw(?:or)?d)[\w-]*=)[^&\s]+|(?<=://)[^/@\s?]+(?=@)"
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One model of one server."""

    base_url: str
    """Up to and with /v1."""

    model: str
    key: str = field(default="", repr=False, compare=False)
    timeout: float = 90.0
    """Seconds that one call may take, from the first byte sent to the last one read."""

    def hide(self, text: str) -> str:
        """Take the key out of a text that somebody else wrote."""
        return text.replace(self.key, "[key]") if len(self.key) >= SHORTEST_SECRET else text

    def __str__(self) -> str:
        return f"{self.model} at {self.base_url}"


def find_endpoint(model: str, base_url: str, key_name: str, timeout: float) -> Endpoint:
    """Take the address from the settings, else from OPENAI_BASE_URL; the key is in the environment, and only there."""
    url = clean_url(base_url or os.environ.get("OPENAI_BASE_URL", "") or OPENAI)
    key = os.environ.get(key_name, "").strip()
    if not (key.isascii() and key.isprintable()):
        raise ConfigError(f"{key_name} holds characters that no key has. Set it anew.")
    if url == OPENAI and not key:
        raise ConfigError(
            f"No server is known for {model}: set base_url or OPENAI_BASE_URL, or for OpenAI's own the key {key_name}."
        )
    return Endpoint(url, model, key, timeout)


def clean_url(url: str) -> str:
    """Check an address, and never repeat one that holds a password."""
    parts = urlsplit(url)
    if "@" in parts.netloc:
        raise ConfigError("base_url holds a user name or a password. Put the key into OPENAI_API_KEY instead.")
    if parts.query or parts.fragment:
        raise ConfigError("base_url holds a ? or a #. Give it up to /v1, and put the key into OPENAI_API_KEY.")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"base_url is {url!r}; it must be like http://localhost:8000/v1.")
    return url.rstrip("/")


def hide_secrets(text: str) -> str:
    """Take passwords and keys out of what a person typed, before it is shown again."""
    return SECRET.sub(lambda found: f"{found[1] or ''}[hidden]", text)
