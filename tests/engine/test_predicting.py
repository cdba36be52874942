"""What TRL would drop or cut, on a tokenizer of words; tests/test_train_lengths.py asks TRL itself."""

import subprocess
import sys

import pytest

from engine.errors import ExportRefusedError, VerifyError
from engine.exports.predicting import Forecast, foresee, load_forecast


class Words:
    """A tokenizer whose tokens are words, with the two calls that TRL makes."""

    eos_token = "</s>"

    def __call__(self, text):
        return {"input_ids": text.replace("</s>", " </s>").split()}

    def apply_chat_template(self, turns, *, tokenize, return_dict, tools=None, add_generation_prompt=False):
        assert tokenize
        assert return_dict
        if any(turn["role"] == "system" for turn in turns):
            raise ValueError("System role not supported\nmore")
        texts = [*(tools or ()), *(f"<{turn['role']}> {turn['content']} <end>" for turn in turns)]
        return {"input_ids": " ".join([*texts, *(["<assistant>"] if add_generation_prompt else [])]).split()}


def row(prompt: int, chosen: int, rejected: int, **more) -> dict:
    """Give a conversation of so many words; the template adds three tokens to a prompt, and one to an answer."""
    return {
        "prompt": [{"role": "user", "content": "p " * prompt}],
        "chosen": [{"role": "assistant", "content": "c " * chosen}],
        "rejected": [{"role": "assistant", "content": "r " * rejected}],
        **more,
    }


@pytest.mark.parametrize(
    ("given", "fate"),
    [
        (row(2, 4, 3), "kept"),  # 5 tokens of prompt, 10 with the longer answer
        (row(2, 5, 3), "cut"),
        (row(2, 3, 5), "cut"),
        (row(6, 1, 1), "cut"),  # 9 of prompt
        (row(7, 1, 1), "dropped"),  # 10 of prompt
        (row(2, 4, 3, tools='["t"]'), "cut"),
        (row(2, 3, 3, tools='["t"]'), "kept"),
    ],
)
def test_conversations_are_dropped_by_their_prompt_and_cut_by_their_longer_answer(given, fate):
    assert foresee(given, Words(), 10) == fate


@pytest.mark.parametrize(
    ("prompt", "chosen", "rejected", "fate"),
    [
        ("p p", " c", " r", "kept"),
        ("p p", " c c c", " r", "cut"),
        ("p p", " c c</s>", " r", "kept"),  # an end that is there already is not added
        ("p p p p p", " c", " r", "dropped"),
        ("p p p p p", "c", "r", "cut"),  # the last word of the prompt merges into the answer, so the prompt is shorter
    ],
)
def test_texts_get_an_end_and_the_prompt_ends_where_the_tokens_part(prompt, chosen, rejected, fate):
    assert foresee({"prompt": prompt, "chosen": chosen, "rejected": rejected}, Words(), 5) == fate


@pytest.mark.parametrize(("words", "fate"), [(4, "kept"), (5, "cut")])
def test_an_unpaired_answer_stands_alone(words, fate):
    given = row(2, words, 90)
    assert foresee({"prompt": given["prompt"], "completion": given["chosen"], "label": True}, Words(), 10) == fate


def test_rows_pass_unchanged_and_are_counted():
    system = row(1, 1, 1)
    system["prompt"].insert(0, {"role": "system", "content": "Be brief."})
    rows = [row(2, 4, 3), row(2, 5, 3), system, row(7, 1, 1), system]
    forecast = Forecast(Words(), "words", 10)
    assert list(forecast.watch(rows)) == rows
    assert forecast.describe() == {
        "tokenizer": "words", "max_length": 10, "kept": 2, "cut": 1, "dropped": 1, "refused": 2,
        "first_refused": "row 3: System role not supported",
    }  # fmt: skip


def test_only_what_trl_reads_can_be_predicted():
    with pytest.raises(ExportRefusedError) as refused:
        load_forecast("any", 1024, "openai")
    assert str(refused.value) == (
        "--tokenizer tells what TRL would read, and TRL reads trl, trl-standard, kto, not openai."
    )


def test_a_folder_without_a_tokenizer_is_one_sentence(tmp_path):
    pytest.importorskip("transformers")
    with pytest.raises(VerifyError, match=rf"^The tokenizer {tmp_path} cannot be loaded: [^\n]+$"):
        load_forecast(str(tmp_path), 1024, "trl", VerifyError)


MISSING = """
import sys
sys.modules[sys.argv[1]] = None
from engine.exports.predicting import load_forecast
from engine.errors import PrefmapError
try:
    load_forecast("any", 1024, "trl")
except PrefmapError as error:
    print(error)
"""


def test_a_missing_library_is_named_with_its_install():
    done = subprocess.run([sys.executable, "-c", MISSING, "transformers"], capture_output=True, text=True, check=True)
    assert done.stdout == "--tokenizer needs the library `transformers`. Install it: pip install 'prefmap[models]'\n"
