"""What may befall rows and files: damage to their structure, and to their bytes."""

import copy
import csv
import gzip
import io
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import zstandard

Json = dict[str, Any]
Place = tuple[Any, ...]


def nested(depth: int, leaf: object = "x") -> object:
    for level in range(depth):
        leaf = [leaf] if level % 2 else {"a": leaf}
    return leaf


PICKS: tuple[list[object], ...] = (
    [None, True, False, 0, 1, -1, 2, 3, -100, 0.5, -0.0, 1e308, 5e-324, 7.0],
    [2**31, 2**53 + 1, 2**63, 2**64, -(2**63) - 1, 10**40, 10**400, float("nan"), float("inf"), -float("inf")],
    [[], {}, [None], [[]], [{}], {"": ""}, [1, "a", None]],
    ["", " ", "\n", "\0", "a\0b", "\ud800", "a\udfffb", "\x1b[31m", "\u202e", "\ufeff", "\u2028", "\x85"],
    ["N/A", "nan", "None", "-100", "1", "1.", "2.0", " 1 ", "1_0", "8/10", "+1", "01", "\uff11"],
    ["A>B", "model_a", "tie", "both_bad", "response_2", "user", "assistant", "human", "gpt", "function_call"],
    ["[]", "[null]", '["a"]', "{", '{"name": 1}', '[{"name":"f"}]', "[" * 5000],
    ["\n\nHuman: a\n\nAssistant: b", "\n\nHuman:", "x\n\nAssistant:", "<extra_id_1>User\n"],
    ["\xe9", "e\u0301", "\u6f22\u5b57", "\U0001f469\u200d\U0001f467", "a\r\nb", "a\rb", 'q"u\\o,te', "\t", "Seven."],
    [text * times for text in ("a", "\n", "\xe9", "\n\nHuman: ", "<extra_id_1>User\n", '"') for times in (99, 9999)],
    [nested(depth) for depth in (3, 30, 99, 200, 480)],
    [[0] * 500, [""] * 500, [None] * 500, [{}] * 500, [0] * 2, [""] * 2],
    [{f"k{n}": n for n in range(count)} for count in (2, 300)],
    [[{"role": role, "content": "Hm."}] for role in ("user", "assistant", "tool", "developer", "")],
    [[{"role": "assistant", "content": None}], [{"role": "user", "content": []}], [{"role": "user", "content": 7}]],
    [[{"type": kind, "text": "Hm."}] for kind in ("text", "image", "", None, 7)],
    [[{"type": "text", "text": None}], [{"type": "image", "image": {"bytes": float("nan")}}], [{"type": "text"}]],
    [{"tool_calls": [{"function": {"name": "f", "arguments": nested(depth)}}]} for depth in (2, 80, 400)],
)  # fmt: skip
"""What may come to stand anywhere."""

PARQUET_DEPTH = 40
"""DuckDB takes twice as long for each list in a list that it writes."""

KEYS = (
    "",
    "\0",
    "\ud800",
    "é",
    "\x1b[2J",
    "k" * 300,
    "role",
    "content",
    "tools",
    "source",
    "margin",
    "tool_calls",
    "label",
)


def pick(draw: Random) -> Any:
    """Draw a strange value."""
    return copy.deepcopy(draw.choice(draw.choice(PICKS)))


def places(value: object, path: Place = ()) -> Iterator[Place]:
    """List every place in a row."""
    if path:
        yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inside:
        yield from places(one, (*path, key))


def mutate_row(original: Mapping[str, object], draw: Random) -> Json:
    """Copy a row with one to three things wrong in it."""
    row: Json = copy.deepcopy(dict(original))
    for _ in range(draw.choice([1, 1, 2, 3])):
        found = list(places(row))
        if not found:
            return row
        *path, last = draw.choice(found[:200])
        inside: Any = row
        for key in path:
            inside = inside[key]
        draw.choice(CHANGES)(inside, last, draw)
    return row


def _replace(inside: Any, last: Any, draw: Random) -> None:
    inside[last] = pick(draw)


def _delete(inside: Any, last: Any, draw: Random) -> None:  # noqa: ARG001
    del inside[last]


def _rename(inside: Any, last: Any, draw: Random) -> None:
    if isinstance(inside, dict):
        inside[draw.choice(KEYS)] = inside.pop(last)


def _add(inside: Any, last: Any, draw: Random) -> None:
    value = pick(draw)
    if isinstance(inside, dict):
        inside[draw.choice(KEYS)] = value
    else:
        inside.insert(last, value)


def _exchange(inside: Any, last: Any, draw: Random) -> None:
    other = draw.choice(list(inside) if isinstance(inside, dict) else range(len(inside)))
    inside[last], inside[other] = inside[other], inside[last]


WRAPS: tuple[Callable[[object], object], ...] = (lambda one: [one], lambda one: {"a": one}, str, json.dumps)


def _wrap(inside: Any, last: Any, draw: Random) -> None:
    wrap = draw.choice(WRAPS)
    inside[last] = wrap(inside[last])


def _dope(inside: Any, last: Any, draw: Random) -> None:
    """Put something strange into a text."""
    if isinstance(inside[last], str):
        at = draw.randrange(len(inside[last]) + 1)
        doped = draw.choice(["\0", "\ud800", "\x1b[2J", "\r", " ", "\n\nHuman: ", "\ufeff", "\U0001f600", "\\u0000"])
        inside[last] = inside[last][:at] + doped + inside[last][at:]


CHANGES = (_replace, _replace, _replace, _delete, _rename, _add, _exchange, _wrap, _dope, _dope)


def write_rows(path: Path, rows: Sequence[Mapping[str, object]], draw: Random) -> None:
    """Write rows as the ending of a file says; what a table cannot hold becomes JSON in its cell."""
    name = path.name
    if name.endswith(".parquet"):
        _write_parquet(path, rows)
        return
    if ".csv" in name or ".tsv" in name:
        text = _as_table(rows, "\t" if ".tsv" in name else ",")
    elif ".jsonl" in name or draw.random() < 0.2:
        end = draw.choice(["\n", "\n", "\r\n", "\n\n", "\n \n"])
        text = "".join(json.dumps(row, ensure_ascii=_needs_ascii(row, draw)) + end for row in rows)
    else:
        text = json.dumps(rows, indent=draw.choice([None, 1]))
    data = draw.choice([b"", b"", b"\xef\xbb\xbf"]) + text.encode()
    path.write_bytes(pack(name, data))


def _needs_ascii(row: Mapping[str, object], draw: Random) -> bool:
    """Leave characters as they are in some rows, if UTF-8 can hold them."""
    return draw.random() < 0.5 or "\\ud" in json.dumps(row)


def _as_table(rows: Sequence[Mapping[str, object]], delimiter: str) -> str:
    names = list(dict.fromkeys(_as_cell(name) for row in rows for name in row))
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, names, restval="", delimiter=delimiter)
    writer.writeheader()
    writer.writerows({_as_cell(name): _as_cell(value) for name, value in row.items()} for row in rows)
    return out.getvalue()


def _as_cell(value: object) -> str:
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value)
    return text.encode(errors="backslashreplace").decode()


def _write_parquet(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    import duckdb

    lines = path.with_suffix(".lines.jsonl")
    clean = [json.dumps(_clean(row)) for row in rows]
    clean = [line for line in clean if line.count("[") + line.count("{") < PARQUET_DEPTH] or ["{}"]
    lines.write_text("\n".join(clean))
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT * FROM read_json('{lines}', format = 'newline_delimited')) TO '{path}' (FORMAT parquet)"
        )


def _clean(value: object) -> object:
    """Give a value without what DuckDB reads from no JSON."""
    if isinstance(value, dict):
        return {str(_clean(name)): _clean(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_clean(inner) for inner in value]
    if isinstance(value, str):
        return value.encode(errors="replace").decode().replace("\0", "")
    return None if isinstance(value, float) and not math.isfinite(value) else value


def pack(name: str, data: bytes) -> bytes:
    if name.endswith(".gz"):
        return gzip.compress(data, mtime=0)
    return zstandard.ZstdCompressor().compress(data) if name.endswith(".zst") else data


def damage(data: bytes, draw: Random) -> bytes:
    """Cut, overwrite, insert, repeat or move some bytes."""
    for _ in range(draw.choice([1, 1, 2, 5])):
        at, to = sorted(draw.randrange(len(data) + 1) for _ in range(2))
        junk = draw.choice(
            [b"\0", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\n", b"\r", b'"', b"{", b"[", b"}", b"]", b",", b"\\"]
        )
        junk = draw.choice(
            [junk, junk, draw.randbytes(draw.choice([1, 4, 99])), b"\xef\xbb\xbf", b"NaN", b"1e999", b"9" * 5000]
        )
        kind = draw.randrange(6)
        data = (
            data[:at]
            if kind == 0 and draw.random() < 0.5
            else data[:at] + junk + data[at:]
            if kind < 3
            else data[:at] + junk + data[at + len(junk) :]
            if kind == 3
            else data[:at] + data[at:to] * 2 + data[to:]
            if kind == 4
            else data[:at] + data[min(at + draw.choice([1, 3, 40]), len(data)) :]
        )
    return data
