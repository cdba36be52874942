"""Which dataset formats there are, and which one a file is in."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from difflib import get_close_matches
from importlib import import_module
from typing import Any, ClassVar, Protocol, cast

from engine.errors import ConfigError, FormatUnknownError
from engine.records import Sample, TrainingPair
from engine.turns import quote_name

FORMATS = {
    "ultrafeedback": "engine.formats.ultrafeedback:UltraFeedback",
    "h4": "engine.formats.h4:H4",
    "argilla": "engine.formats.argilla:Argilla",
    "hh": "engine.formats.hh:HH",
    "helpsteer2": "engine.formats.helpsteer:HelpSteer2",
    "helpsteer3": "engine.formats.helpsteer:HelpSteer3",
    "helpsteer2-base": "engine.formats.helpsteer2_base:HelpSteer2Base",
    "nectar": "engine.formats.nectar:Nectar",
    "shp": "engine.formats.shp:Shp",
    "webgpt": "engine.formats.webgpt:WebGpt",
    "pku": "engine.formats.pku:Pku",
    "alpaca": "engine.formats.alpaca:Alpaca",
    "dissection": "engine.formats.dissection:Dissection",
    "pandalm": "engine.formats.pandalm:PandaLM",
    "llmbar": "engine.formats.llmbar:LLMBar",
    "judgebench": "engine.formats.judgebench:JudgeBench",
    "autoj": "engine.formats.autoj:AutoJ",
    "rmbench": "engine.formats.rmbench:RMBench",
    "openai": "engine.formats.openai:OpenAI",
    "sharegpt": "engine.formats.sharegpt:ShareGpt",
    "intel": "engine.formats.intel:Intel",
    "axolotl": "engine.formats.axolotl:Axolotl",
    "arena": "engine.formats.arena:Arena",
    "arena-csv": "engine.formats.arena_csv:ArenaCsv",
    "kto": "engine.formats.kto:Kto",
    "trl": "engine.formats.trl:Trl",
}
"""Import paths by name."""

WRITERS = {
    "trl": "engine.formats.trl:Trl",
    "trl-standard": "engine.formats.trl_standard:TrlStandard",
    "kto": "engine.formats.kto_writer:KtoWriter",
    "openai": "engine.formats.openai_writer:OpenAIWriter",
    "llamafactory": "engine.formats.llamafactory_writer:LlamaFactoryWriter",
    "axolotl": "engine.formats.axolotl_writer:AxolotlWriter",
    "openrlhf": "engine.formats.openrlhf_writer:OpenRlhfWriter",
}
"""Import paths of the formats that an export can have."""

DIMENSIONS = {
    "ultrafeedback": ("mean", "overall", "helpfulness", "honesty", "instruction_following", "truthfulness"),
    "pku": ("better", "safer"),
}

VERBATIM = {
    "same": "the original rows in their own shape, with only the labels changed",
    "patch": "only the changed samples: before, after, who, when and why",
}
"""What an export can be that is for no trainer."""

COLUMNS = "columns"
NAMED_COLUMNS = "engine.formats.columns:Columns"
"""The format whose columns the person names; it is never guessed."""

CHOOSE_DIMENSION = ("pku",)
"""Formats whose dimensions contradict each other: the person must choose one."""

GENERAL = ("trl",)
"""Formats loose enough to cover others: asked only when no other one matches."""


class Format(Protocol):
    """One dataset shape: how to recognise a row, how to read it, and how to exchange two labels in it."""

    direction: ClassVar[str]
    """Which response the label prefers, in words."""

    def looks_like(self, row: Mapping[str, object]) -> bool: ...

    def to_sample(self, row: Mapping[str, object]) -> Sample:
        """Read one row, or raise RowRefusedError saying why it cannot be read."""
        ...

    def exchange(self, row: Mapping[str, object], first: int, second: int) -> dict[str, object]:
        """Give the same row with only the labels of two responses exchanged."""
        ...


class GroupedFormat(Format, Protocol):
    """A shape whose rows hold one response each: those of one key make a sample."""

    def key_of(self, row: Mapping[str, object]) -> str:
        """Name the sample that a row belongs to, or raise RowRefusedError."""
        ...

    def join(self, rows: Sequence[Mapping[str, object]]) -> Sample:
        """Read the rows of one key, in their order."""
        ...


def is_grouped(layout: Format) -> bool:
    """Say whether several rows make one sample."""
    return hasattr(layout, "join")


class Writer(Protocol):
    """One shape that a trainer reads: how to write a pair, and how to check a row that was written."""

    types: ClassVar[Mapping[str, str]]
    """The columns of a row, with their types in DuckDB's words."""

    def to_rows(self, pair: TrainingPair) -> list[dict[str, object]]:
        """Write one pair, or raise RowRefusedError saying what of it the shape cannot hold."""
        ...

    def find_problem(self, row: Mapping[str, object]) -> str:
        """Say what the trainer would stumble over in a row; empty when nothing."""
        ...


class JudgingWriter(Writer, Protocol):
    """A shape whose rows judge one answer each: no answer twice, and none both ways."""

    def judge(self, row: Mapping[str, object]) -> tuple[str, bool]:
        """Name the answer that a row judges, and say whether it is wanted."""
        ...


class DescribingWriter(Writer, Protocol):
    """A shape that a trainer reads only when it is told how."""

    def describe(self, file_name: str) -> dict[str, object]:
        """Say what the trainer must be told of an export of this name."""
        ...


def load_writer(name: str) -> Writer:
    """Make the writer of this name."""
    if name in VERBATIM:
        return cast(Writer, _load("engine.formats.verbatim:Verbatim")())
    if name not in WRITERS:
        raise ConfigError(f"There is no export format {name!r}: it may be {', '.join(WRITERS)}.")
    return cast(Writer, _load(WRITERS[name])())


def _load(path: str) -> Any:
    module, _, attribute = path.partition(":")
    return getattr(import_module(module), attribute)


def load_format(name: str, dimension: str | None = None, columns: Mapping[str, str] | None = None) -> Format:
    """Make the format of this name; `dimension` picks the label, `columns` names what a general format cannot guess."""
    if columns is not None:
        return cast(Format, _load(NAMED_COLUMNS)(**columns))
    if name not in FORMATS:
        near = get_close_matches(name, FORMATS, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise ConfigError(f"There is no format {name!r}.{hint} See: prefmap list formats")
    kind = _load(FORMATS[name])
    if dimension is None:
        return cast(Format, kind(**_require_dimension(name)))
    if "dimension" not in {field.name for field in fields(kind)}:
        raise ConfigError(f"The format {name} has no dimensions; leave --dimension out.")
    if dimension not in DIMENSIONS.get(name, (dimension,)):
        raise ConfigError(f"The format {name} has no dimension {dimension!r}: it has {', '.join(DIMENSIONS[name])}.")
    return cast(Format, kind(dimension=dimension))


def _require_dimension(name: str) -> dict[str, str]:
    """Refuse to choose where dimensions contradict each other; elsewhere the format has a default."""
    if name in CHOOSE_DIMENSION:
        raise ConfigError(f"The format {name} has labels that differ: say --dimension {'|'.join(DIMENSIONS[name])}.")
    return {}


def recognise(name: str) -> Format:
    """Make a format only to ask whether rows look like it."""
    dimension = DIMENSIONS[name][0] if name in CHOOSE_DIMENSION else None
    return load_format(name, dimension)


def detect_format(rows: Sequence[Mapping[str, object]], file: str) -> str:
    """Name the one format that fits these first rows; rows that fit none are refused later, one by one."""
    fits = {name: sum(map(recognise(name).looks_like, rows)) for name in FORMATS}
    special = {name: count for name, count in fits.items() if count and name not in GENERAL}
    if len(special) > 1:
        two = sorted(special, key=lambda name: -special[name])[:2]
        raise FormatUnknownError(
            f"{file} fits more than one format: {two[0]} ({special[two[0]]} of the first {len(rows)} rows) and "
            f"{two[1]} ({special[two[1]]}). Choose one with --format."
        )
    for name, count in {**special, **{general: fits[general] for general in GENERAL}}.items():
        if count * 2 >= max(len(rows), 1) and count:
            return name
    raise FormatUnknownError(_explain(rows, fits, file))


def _explain(rows: Sequence[Mapping[str, object]], fits: Mapping[str, int], file: str) -> str:
    if not rows:
        return f"{file} holds no row that could be read."
    seen = ", ".join(map(quote_name, list(rows[0])[:8])) or "none"
    best = max(fits, key=lambda name: fits[name])
    near = f" {fits[best]} of the first {len(rows)} rows look like {best}." if fits[best] else ""
    return f"{file} is in no format that prefmap knows: its columns are {seen}.{near} See: prefmap list formats"
