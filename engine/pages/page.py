"""The page: one file for a browser that needs no network, no script, and shows no text of others as its own."""

from base64 import b64encode
from hashlib import sha256
from pathlib import Path

from engine.pages.gathering import Facts, gather
from engine.pages.markup import Html, join, tag
from engine.pages.origins import write_cards, write_origins
from engine.pages.sections import (
    write_composition,
    write_map,
    write_reviews,
    write_summary,
    write_suspects,
    write_suspicion,
)
from engine.pages.targets import check_target
from engine.project import Project, write_atomically

HERE = Path(__file__).parent
KINDS = (".html",)
SECTIONS = (
    write_summary,
    write_map,
    write_suspects,
    write_suspicion,
    write_reviews,
    write_composition,
    write_cards,
    write_origins,
)


def write_page(project: Project, path: Path) -> None:
    """Write the page of a project; the same project gives the same bytes. Raises ConfigError, OSError."""
    check_target(path, KINDS, "page")
    write_atomically(path, make_page(gather(project)))


def make_page(facts: Facts) -> str:
    """Write a whole document."""
    style, script = (Html((HERE / name).read_text(encoding="utf-8")) for name in ("page.css", "page.js"))
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'; form-action 'none'"
    )
    title = f"{facts.name}: preference map"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", style),
    )
    main = tag("main", tag("h1", title), join(write_one(facts) for write_one in SECTIONS))
    return "<!doctype html>\n" + tag("html", head, tag("body", main, tag("script", script)), lang="en") + "\n"


def _hash(text: str) -> str:
    """Name a text in a policy, so that a browser runs it and no other."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
