"""Pushing, as a script does it, to a hub on this machine: what arrives there, and what a person is told."""

import json
import os
import socket
import subprocess
import sys

import pytest
from small_hub import LARGE, TOKEN, Dataset, small_hub

from engine.errors import PushRefusedError
from engine.publishing import check_push

pytest.importorskip("huggingface_hub")


@pytest.fixture
def hub():
    with small_hub() as running:
        yield running


@pytest.fixture
def push(sample_project, tmp_path):
    """Export and push, in a process whose only hub and login are those given."""

    def run(env, *words, to="kim/pairs", name="train.jsonl"):
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "HUGGING"))}
        clean |= {"HF_HOME": str(tmp_path / "home"), "NO_PROXY": "127.0.0.1", **env}
        command = ["export", str(sample_project.path), "-o", name, "--push", f"hf:{to}", *words]
        return subprocess.run(
            [sys.executable, "-m", "tui", *command], cwd=tmp_path, env=clean, capture_output=True, text=True
        )

    return run


def the_sentence(done) -> str:
    assert done.returncode == 1
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert TOKEN not in done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("prefmap: ")]
    return line.removeprefix("prefmap: ")


@pytest.mark.parametrize("name", ["train.jsonl", "train.parquet"])
def test_all_of_an_export_arrives_as_it_is_here(hub, push, tmp_path, name):
    done = push(hub.env, "--holdout", ".05", name=name)
    assert done.returncode == 0, done.stderr
    assert f"  pushed to {hub.address}/datasets/kim/pairs (private)." in done.stderr.splitlines()
    assert TOKEN not in done.stderr
    stem, ending = name.split(".")
    names = [f"{stem}.{ending}", f"{stem}.heldout.{ending}"]
    names += [f"{one}.manifest.json" for one in names]
    (dataset,) = hub.datasets.values()
    assert list(hub.datasets) == ["kim/pairs"]
    assert dataset.private
    assert sorted(dataset.files) == sorted([*names, "README.md"])
    for one in names:
        assert dataset.files[one] == (tmp_path / one).read_bytes()
    assert (tmp_path / name).read_bytes() in hub.large.values()
    assert len(dataset.files[f"{name}.manifest.json"]) < LARGE
    card = dataset.files["README.md"].decode()
    assert f'  - split: train\n    path: "{name}"\n  - split: test\n    path: "{names[1]}"\n' in card
    assert not (tmp_path / "README.md").exists()


def test_only_what_is_asked_for_is_public(hub, push):
    assert push(hub.env, "--public").returncode == 0
    assert not hub.datasets["kim/pairs"].private


def test_a_dataset_of_that_name_is_replaced_by_force_alone(hub, push, tmp_path):
    hub.datasets["kim/pairs"] = Dataset(private=True, files={"old": b"old"})
    assert the_sentence(push(hub.env)) == (
        "hf:kim/pairs: there is a dataset of that name. Choose another name, or say --force to replace its files. "
        "The export stays in train.jsonl; the same command with --force tries again."
    )
    assert hub.datasets["kim/pairs"].files == {"old": b"old"}
    assert push(hub.env, "--force").returncode == 0
    assert hub.datasets["kim/pairs"].files["train.jsonl"] == (tmp_path / "train.jsonl").read_bytes()


@pytest.mark.parametrize(("is_private", "words", "found"), [(False, [], "public"), (True, ["--public"], "private")])
def test_nothing_goes_where_more_or_fewer_would_see_it(hub, push, is_private, words, found):
    hub.datasets["kim/pairs"] = Dataset(private=is_private)
    assert the_sentence(push(hub.env, "--force", *words)) == (
        f"hf:kim/pairs is {found}: nothing was uploaded. To push there, say --{found}."
    )
    assert hub.datasets["kim/pairs"].files == {}


STAYS = "The export stays in train.jsonl; the same command with --force tries again."

REFUSALS = {
    401: "the hub does not accept the login. Run `hf auth login`, or set HF_TOKEN",
    403: "the login may not write there. Choose another owner, or a token that may write",
    404: "the hub does not know that owner, or the login may not see it",
    418: "the hub answered with status 418. Try again later",
}


@pytest.mark.parametrize(
    ("where", "status"),
    [("/repos/create", 401), ("/repos/create", 403), ("/preupload/", 404), ("/large/", 403), ("/commit/", 418)],
)
def test_a_refusal_is_one_sentence_and_the_export_stays(hub, push, tmp_path, where, status):
    hub.refusals[where] = status
    assert the_sentence(push(hub.env)) == f"hf:kim/pairs: {REFUSALS[status]}. {STAYS}"
    verified = subprocess.run([sys.executable, "-m", "tui", "verify", tmp_path / "train.jsonl"], capture_output=True)
    assert verified.returncode == 0
    assert all(dataset.files == {} for dataset in hub.datasets.values())


def test_a_wrong_login_is_one_sentence(hub, push):
    said = push({**hub.env, "HF_TOKEN": "hf_wrong"})
    assert the_sentence(said).startswith("hf:kim/pairs: the hub does not accept the login.")
    assert "hf_wrong" not in said.stderr


def test_no_hub_is_one_sentence(push, hub, tmp_path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        env = {**hub.env, "HF_ENDPOINT": f"http://127.0.0.1:{closed.getsockname()[1]}"}
    said = the_sentence(push(env))
    assert said.startswith("hf:kim/pairs: the hub cannot be reached, or it failed (")
    assert said.endswith("). The export stays in train.jsonl; the same command with --force tries again.")
    assert (tmp_path / "train.jsonl.manifest.json").exists()


def test_a_token_in_an_error_is_not_printed(hub, push):
    token = "hf_secret\x7f\u00e9"
    said = push({**hub.env, "HF_TOKEN": token})
    assert said.returncode == 1
    assert "hf_secret" not in said.stderr


@pytest.mark.parametrize(
    ("env", "to", "sentence"),
    [
        ({}, "kim/pairs", "--push needs a login to the hub. Run `hf auth login`, or set HF_TOKEN."),
        ({"HF_TOKEN": TOKEN}, "pairs", "--push takes hf:owner/name, not hf:pairs."),
        ({"HF_TOKEN": TOKEN}, "../pairs", "--push takes hf:owner/name, not hf:../pairs."),
    ],
)
def test_what_cannot_be_pushed_is_refused_before_anything_is_exported(push, tmp_path, env, to, sentence):
    assert the_sentence(push(env, to=to)) == sentence
    assert not (tmp_path / "train.jsonl").exists()


def test_a_target_that_is_no_hub_is_refused():
    with pytest.raises(PushRefusedError, match=r"^--push takes hf:owner/name, not kim/pairs\.$"):
        check_push("kim/pairs")


def test_nothing_is_pushed_of_an_export_that_is_refused(hub, push, tmp_path):
    (tmp_path / "train.jsonl").write_text("mine\n")
    assert "--force" in the_sentence(push(hub.env))
    assert hub.requests == []


MISSING = """
import sys
sys.modules["huggingface_hub"] = None
from tui.__main__ import main
sys.argv[1:] = ["export", sys.argv[1], "-o", "train.jsonl", "--push", "hf:kim/pairs"]
main()
"""


def test_a_missing_library_is_named_with_its_install(sample_project, tmp_path):
    words = [sys.executable, "-c", MISSING, str(sample_project.path)]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    assert the_sentence(done) == "--push needs the library `huggingface_hub`. Install it: pip install huggingface_hub"


def test_what_is_pushed_names_no_folder_of_this_machine(hub, push, tmp_path):
    assert push(hub.env).returncode == 0
    said = json.loads(hub.datasets["kim/pairs"].files["train.jsonl.manifest.json"])
    assert str(tmp_path) not in json.dumps(said)
