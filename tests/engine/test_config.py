from pathlib import Path

import pytest

from engine.config import Config, load_config, read_config
from engine.errors import ConfigError


@pytest.fixture
def folders(tmp_path, monkeypatch) -> dict[str, Path]:
    """The three folders that prefmap.toml is looked for in; all are empty."""
    found = {name: tmp_path / name for name in ("home", "project", "here")}
    for folder in found.values():
        folder.mkdir()
    (found["home"] / "prefmap").mkdir()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(found["home"]))
    monkeypatch.chdir(found["here"])
    return {**found, "home": found["home"] / "prefmap"}


def write(folder: Path, text: str) -> Path:
    path = folder / "prefmap.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_nothing_is_set(folders):
    assert load_config(folders["project"]) == load_config(None) == Config({}, {})


def test_a_file_says_scorers_and_review(tmp_path):
    path = write(
        tmp_path,
        """
        [scorers.mine]
        scorer = "column:score"
        lower_is_better = true

        [review]
        reviewer = "kim"
        target = 500
        queue = "margin"
    """,
    )
    assert read_config(path) == Config(
        {"mine": {"scorer": "column:score", "lower_is_better": True}},
        {"reviewer": "kim", "target": 500, "queue": "margin"},
    )


def test_the_nearest_file_wins_key_by_key(folders):
    write(folders["home"], '[review]\nreviewer = "home"\ntarget = 1\nqueue = "a"\n[scorers.x]\nscorer = "crossfit"\n')
    write(folders["project"], '[review]\nreviewer = "project"\ntarget = 2\n[scorers.y]\nscorer = "column:a"\n')
    write(folders["here"], '[review]\nreviewer = "here"\n[scorers.x]\nfolds = 3\n')
    assert load_config(folders["project"]) == Config(
        {"x": {"folds": 3}, "y": {"scorer": "column:a"}}, {"reviewer": "here", "target": 2, "queue": "a"}
    )
    assert load_config(None).review == {"reviewer": "here", "target": 1, "queue": "a"}


def test_without_a_config_home_the_one_in_the_home_folder_is_read(folders, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", "")
    monkeypatch.setenv("HOME", str(folders["project"]))
    (folders["project"] / ".config" / "prefmap").mkdir(parents=True)
    write(folders["project"] / ".config" / "prefmap", "[review]\ntarget = 7\n")
    assert load_config(None).review == {"target": 7}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[scorer.mine]\n", "there is no setting 'scorer'. Did you mean scorers?"),
        ("zebra = 1\n", "there is no setting 'zebra'. It may be scorers, review, keys."),
        ("review = 1\n", "review must be a table, [review]."),
        ("[scorers]\nmine = 1\n", "scorers.mine must be a table, [scorers.mine]."),
        ('[scorers."a/b"]\n', "scorers.a/b names a log file, so there can be no / in it."),
        ("[review]\ntargt = 5\n", "there is no setting 'targt'. Did you mean target?"),
        (
            "[review]\nzebra = 5\n",
            "there is no setting 'zebra'. It may be reviewer, target, queue, mode, theme, guidelines, reader_error, "
            "controls, repeats, live.",
        ),
        ('[review]\ntarget = "5"\n', "review.target is '5'; it must be of type int."),
        ("[review]\ntarget = true\n", "review.target is True; it must be of type int."),
        ("[review]\nreviewer = 5\n", "review.reviewer is 5; it must be of type str."),
        ("[review]\nreader_error = 0.5\n", "review.reader_error is 0.5; it must be a share, at least 0 and below .5."),
        ("[review]\nreader_error = -1\n", "review.reader_error is -1; it must be a share, at least 0 and below .5."),
        (
            "[review]\nreader_error = true\n",
            "review.reader_error is True; it must be a share, at least 0 and below .5.",
        ),
    ],
)
def test_what_is_unknown_is_an_error_that_names_the_nearest_word(tmp_path, text, sentence):
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as refused:
        read_config(path)
    assert str(refused.value) == f"{path}: {sentence}"


@pytest.mark.parametrize("content", [b"[review\n", b"a = \n", b"\xff\xfe", b"[review]\n[review]\n"])
def test_what_is_no_toml_is_an_error(tmp_path, content):
    path = tmp_path / "prefmap.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=rf"^{path} is not TOML: .+\.$"):
        read_config(path)
