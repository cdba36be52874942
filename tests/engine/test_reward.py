"""The guards of reward models. All models here are tiny and random: their values mean nothing, but must be right."""

import json
import random
import sys
from dataclasses import replace

import pytest
import tiny_models

from engine.errors import ScorerRefusedError
from engine.modelling.loading import Origin, _choose_attention
from engine.records import Message, Sample
from engine.scorers.reward import Reward
from engine.scores.wanted import Wanted

pytestmark = pytest.mark.filterwarnings("ignore")  # what other packages warn of while they are imported is not ours

FP32, BF16 = 1e-4, 0.1
"""How much a value may differ by: the order of sums changes its last digits."""

ENDS_IN_EOS = "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endfor %}"
WORDS = ["the", "capital", "of", "France", "is", "Paris", "and", "a", "good", "answer", "has", "many", "words"]


def make_sample(n: int) -> Sample:
    draw = random.Random(n)
    texts = [" ".join(draw.choices(WORDS, k=draw.choice((1, 3, 10, 40)))) for _ in range(3)]
    return Sample.of(prompt=[Message("user", f"Question {n}?")], texts=texts, labels=(1.0, 0.5, 0.0))


SAMPLES = [make_sample(n) for n in range(12)]


def values(scorer: Reward, samples=SAMPLES) -> dict[str, float]:
    scores = list(scorer(samples))
    assert all(one.value is not None for one in scores), scores
    return {one.response_id: one.value for one in scores}


def by_hand(folder, samples=SAMPLES, *, head_in=None, dtype=None) -> dict[str, float]:
    """Read one conversation after the other, unpadded: the last hidden state times the head."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=dtype or torch.float32).eval()
    found = {}
    for sample in samples:
        for one in sample.responses:
            turns = [{"role": turn.role, "content": turn.content} for turn in sample.prompt]
            turns.append({"role": "assistant", "content": one.text})
            ids = tokenizer.apply_chat_template(turns, return_dict=True, return_tensors="pt")["input_ids"]
            with torch.no_grad():
                last = model.model(ids).last_hidden_state[0, -1]
                found[one.response_id] = float(
                    last.to(head_in or last.dtype) @ model.score.weight[0].to(head_in or last.dtype)
                )
    return found


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("reward")
    tiny_models.save_reward_model(folder)
    return str(folder)


def refusal(scorer: Reward) -> str:
    with pytest.raises(ScorerRefusedError) as refused:
        list(scorer(SAMPLES))
    return str(refused.value)


# Weights


def test_a_model_without_the_head_is_refused_and_no_random_one_used(tmp_path):
    tiny_models.save_language_model(tmp_path)
    assert refusal(Reward(str(tmp_path))) == (
        f"{tmp_path} lacks the weights of score.weight, so its values would be random: it is not a model of this kind."
    )


def test_a_head_of_several_values_is_refused(tmp_path):
    tiny_models.save_reward_model(tmp_path, labels=5)
    assert refusal(Reward(str(tmp_path))) == (
        f"{tmp_path} is no reward model with one value: its score.weight has the shape (5, 32)."
    )


def test_a_head_of_one_value_is_read_whatever_the_config_says_of_labels(model, tmp_path):
    tiny_models.save_reward_model(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    del config["id2label"], config["label2id"]
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert values(Reward(str(tmp_path))) == pytest.approx(values(Reward(model)), abs=FP32)


def test_a_head_that_is_not_over_the_last_token_is_refused(tmp_path):
    tiny_models.save_pair_model(tmp_path)
    (tmp_path / "own.jinja").write_text(ENDS_IN_EOS)
    assert refusal(Reward(str(tmp_path), template=str(tmp_path / "own.jinja"))) == (
        f"{tmp_path} has no plain linear head over its last token, so prefmap cannot read its value."
    )


# Which token is read, in which numbers


def test_the_value_is_the_head_over_the_last_token(model):
    assert values(Reward(model)) == pytest.approx(by_hand(model), abs=FP32)


def test_the_last_token_is_read_where_the_pad_is_the_end_of_text(tmp_path):
    import torch

    whole = tiny_models.save_reward_model(tmp_path, template=ENDS_IN_EOS, pad="<|end|>")
    assert values(Reward(str(tmp_path))) == pytest.approx(by_hand(tmp_path), abs=FP32)
    assert whole.config.pad_token_id == whole.config.eos_token_id
    with torch.no_grad():
        ids = torch.tensor([[5, 6, whole.config.eos_token_id]])
        before, last = whole.score(whole.model(ids).last_hidden_state)[0, 1:, 0].tolist()
        assert whole(ids).logits.item() == pytest.approx(before)
    assert abs(before - last) > 100 * FP32


def test_a_pad_token_inside_the_text_is_read_like_any_other(model):
    said = [replace(SAMPLES[0], responses=SAMPLES[0].responses[:1])]
    ends = Sample.of(
        prompt=SAMPLES[0].prompt, texts=("Paris <|pad|>", "Paris <|pad|> is it, is it not?"), labels=(1, 0)
    )
    assert values(Reward(model), [ends, *said]) == pytest.approx(by_hand(model, [ends, *said]), abs=FP32)


@pytest.mark.parametrize("batch_tokens", [1, 60, 100_000])
def test_the_value_depends_on_no_batch_and_no_padding(model, batch_tokens):
    assert values(Reward(model, batch_tokens=batch_tokens)) == pytest.approx(by_hand(model), abs=FP32)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", FP32), ("bfloat16", BF16)])
def test_the_value_depends_on_no_order_of_rows(model, dtype, tolerance):
    scorer = Reward(model, dtype=dtype, batch_tokens=200)
    assert values(scorer, SAMPLES[::-1][3:]) == pytest.approx(
        {key: value for key, value in values(scorer).items() if key in values(scorer, SAMPLES[::-1][3:])}, abs=tolerance
    )


def test_without_a_pad_token_there_are_batches_all_the_same(tmp_path):
    tiny_models.save_reward_model(tmp_path)
    for name, key in (("config.json", "pad_token_id"), ("tokenizer_config.json", "pad_token")):
        said = json.loads((tmp_path / name).read_text())
        del said[key]
        (tmp_path / name).write_text(json.dumps(said))
    assert values(Reward(str(tmp_path))) == pytest.approx(by_hand(tmp_path), abs=FP32)


def test_in_bfloat16_the_head_computes_in_float32(model):
    import torch

    found = values(Reward(model, dtype="bfloat16", batch_tokens=1))
    assert found == pytest.approx(by_hand(model, head_in=torch.float32, dtype=torch.bfloat16), abs=FP32)
    rounded = {key: float(torch.tensor(value).bfloat16()) for key, value in found.items()}
    assert sum(found[key] != value for key, value in rounded.items()) > len(found) / 2


# Attention, code, text pairs


def test_capped_attention_is_not_computed_by_sdpa(tmp_path):
    import transformers

    tokenizer = tiny_models.save_tokenizer(tmp_path)
    config = transformers.Gemma2Config(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, head_dim=16, num_labels=1, attn_logit_softcapping=0.5, query_pre_attn_scalar=1,
    )  # fmt: skip
    transformers.Gemma2ForSequenceClassification(config).save_pretrained(tmp_path)
    assert refusal(Reward(str(tmp_path), attention="sdpa")) == (
        f"{tmp_path} caps its attention scores, and sdpa does not: use attention=eager."
    )
    assert Reward(str(tmp_path))._load().config._attn_implementation == "eager"
    assert values(Reward(str(tmp_path))) == pytest.approx(by_hand(tmp_path), abs=FP32)


def test_capped_attention_is_asked_for_by_name_whatever_the_library_would_choose():
    import transformers

    capped, plain = transformers.Gemma2Config(), transformers.LlamaConfig()
    assert _choose_attention(Origin("o/n"), capped, "") == {"attn_implementation": "eager"}
    assert _choose_attention(Origin("o/n"), capped, "flash_attention_2") == {"attn_implementation": "flash_attention_2"}
    assert _choose_attention(Origin("o/n"), plain, "") == {}


def test_a_tokenizer_that_does_not_say_where_its_tokens_stand_is_refused(tmp_path):
    import transformers

    tiny_models.save_reward_model(tmp_path)
    for file in tmp_path.glob("tokenizer*"):
        file.unlink()
    transformers.ByT5Tokenizer().save_pretrained(tmp_path)
    assert refusal(Reward(str(tmp_path))) == (
        f"{tmp_path} has no fast tokenizer (tokenizer.json), and prefmap needs one."
    )


def test_the_code_of_a_model_is_not_run(tmp_path):
    tiny_models.save_reward_model(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    classes = {"AutoConfig": "evil.Config", "AutoModelForSequenceClassification": "evil.Model"}
    (tmp_path / "config.json").write_text(json.dumps({**config, "model_type": "evil", "auto_map": classes}))
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    assert refusal(Reward(str(tmp_path))).startswith(
        f"{tmp_path} brings code of its own. If you have read and trust it,"
    )
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("revision", ["", "main", "1234567"])
def test_code_is_run_only_of_a_pinned_commit(revision):
    with pytest.raises(ScorerRefusedError, match=r"^o/n: trust_remote_code runs its code, so pin what you have read"):
        Origin("o/n", revision, trust_remote_code=True)
    assert Origin("o/n", "0" * 40, trust_remote_code=True).arguments["revision"] == "0" * 40


def test_a_model_of_text_pairs_reads_prompt_and_response_as_two(tmp_path):
    import torch
    from transformers import AutoTokenizer

    own = tiny_models.save_pair_model(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    scorer = Reward(str(tmp_path))
    expected = {}
    for sample in SAMPLES:
        for one in sample.responses:
            with torch.no_grad():
                pair = tokenizer(sample.prompt[0].content, one.text, return_tensors="pt", return_token_type_ids=True)
                expected[one.response_id] = own(**pair).logits.item()
    assert values(scorer) == pytest.approx(expected, abs=FP32)
    assert (scorer.facts()["template"], scorer.facts()["dtype"]) == ("text pair", "float32")


# What is said of a run


def test_the_log_keeps_how_much_was_read_and_what_was_left_out(model):
    long = Sample.of(
        prompt=[Message("user", "a b c " * 50), Message("assistant", "No."), Message("user", "Why?")],
        texts=("Because.", "", "z " * 99), labels=(1.0, 0.0, 0.5),
    )  # fmt: skip
    fits, empty, huge = (
        next(one for one in Reward(model, longest=60)([long]) if one.response_id == response.response_id)
        for response in long.responses
    )
    assert fits.value is not None
    assert fits.details["truncated"] is True
    assert fits.details["tokens"] < 60
    assert (empty.value, empty.reason, empty.final) == (None, "empty response", True)
    assert (huge.value, huge.final) == (None, True)
    assert huge.reason.startswith("the response does not fit: ")


def test_the_identity_is_of_weights_template_and_numbers(model, tmp_path):
    tiny_models.save_reward_model(tmp_path, seed=1)
    (tmp_path / "own.jinja").write_text(ENDS_IN_EOS)
    first = Reward(model).facts()
    assert first == Reward(model, device="cpu", batch_tokens=7).facts()
    assert first["weights"] != Reward(str(tmp_path)).facts()["weights"]
    assert first["template"] != Reward(model, template=str(tmp_path / "own.jinja")).facts()["template"]
    assert (first["dtype"], Reward(model, dtype="bfloat16").facts()["dtype"]) == ("float32", "bfloat16")


@pytest.mark.parametrize(
    ("name", "file", "told"),
    [
        ("Skywork-Reward-V2-Qwen3-0.6B", "ultrafeedback_binarized.jsonl", "UltraFeedback"),
        ("RLHFlow-ArmoRM-Llama3-8B", "hh-rlhf-test.jsonl", "HH-RLHF"),
        ("Starling-RM-7B", "ultrafeedback.jsonl", ""),
        ("mine", "ultrafeedback.jsonl", ""),
    ],
)
def test_a_model_that_learned_from_the_dataset_is_told_of(tmp_path, name, file, told):
    folder = tmp_path / name
    tiny_models.save_reward_model(folder)
    said = []
    list(Reward(str(folder))(Wanted([replace(SAMPLES[0], file=file)], tell=said.append)))
    assert said == ([
        f"{folder} learned from {told}, which this dataset holds: it may repeat the labels rather than check them."
    ] if told else [])  # fmt: skip


# What cannot be run


def test_without_the_extra_the_sentence_says_what_to_install(monkeypatch, model):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert refusal(Reward(model)) == "This scorer needs torch. Install it: pip install 'prefmap[models]'"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"model": "./no-such"}, "There is no model at ./no-such. Give a folder, or the name of a hub model."),
        ({"dtype": "int4"}, "dtype is 'int4'; it may be float32, bfloat16, float16."),
        ({"device": "cuda:77"}, "This machine has no device 'cuda:77': "),
        ({"template": "none.jinja"}, "The template none.jinja cannot be read: "),
    ],
)
def test_what_cannot_be_run_is_refused_with_a_sentence(model, settings, sentence):
    assert refusal(Reward(**{"model": model, **settings})).startswith(sentence)


def test_a_folder_without_a_model_is_refused_with_a_sentence(tmp_path):
    assert refusal(Reward(str(tmp_path))).startswith(f"{tmp_path} cannot be loaded: ")
