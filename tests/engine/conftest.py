"""Small projects and score logs, made without the slower steps."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from engine.importing import import_file
from engine.logs import Log
from engine.project import Project

ImportRows = Callable[..., Project]
LogScores = Callable[..., Path]


@pytest.fixture(scope="session")
def import_rows(tmp_path_factory: pytest.TempPathFactory) -> ImportRows:
    """Import rows into a new project, or add them to one; nothing is scored or mapped."""

    def import_into(rows: Sequence[object], project: Project | None = None, *, name: str = "pairs") -> Project:
        file = tmp_path_factory.mktemp("rows") / f"{name}.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        project = project or Project(file.with_suffix(".prefmap"))
        import_file(project, file)
        return project

    return import_into


@pytest.fixture(scope="session")
def log_scores() -> LogScores:
    """Write a score log as a scorer would: a header, then a line per response."""

    def write(
        project: Project,
        name: str,
        values: Mapping[str, float | None],
        *,
        kind: str = "judge",
        fingerprint: str = "",
        file: str | None = None,
    ) -> Path:
        path = project.scores / f"{file or name}.jsonl"
        header = {"kind": "header", "scorer": name, "type": kind, "identity": name, "fingerprint": fingerprint}
        with Log(path) as log:
            log.append(header, *({"response": one, "value": value} for one, value in values.items()))
        return path

    return write


@pytest.fixture(scope="session")
def tiny_embedder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an embedder of BERT's kind whose weights are random; it knows letters, and reads 32 tokens."""
    transformers = pytest.importorskip("transformers")
    torch = pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("models") / "tiny-embedder"
    letters = [*"abcdefghijklmnopqrstuvwxyz0123456789", ".", "?"]
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{one}" for one in letters)]
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(words), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=34, initializer_range=0.5,
    )  # fmt: skip
    transformers.BertModel(config).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    tokenizer = transformers.BertTokenizer(vocab={word: place for place, word in enumerate(words)}, model_max_length=32)
    tokenizer.save_pretrained(folder)
    return folder
