"""What a model reads of a conversation. The models and tokenizers here are tiny, and the weights random."""

import json

import pytest
import tiny_models
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ScorerRefusedError
from engine.modelling.chat import ChatTemplate
from engine.modelling.conversations import Conversation, UnfitError
from engine.modelling.encoding import ChatEncoder, Encoded, PairEncoder, find_longest
from engine.modelling.loading import Origin, load_config, load_tokenizer
from engine.records import Message, Sample

pytestmark = pytest.mark.filterwarnings("ignore")  # what other packages warn of while they are imported is not ours

USER, ASSISTANT = Message("user", "What is the capital of France?"), Message("assistant", "Paris.")

NO_SYSTEM = (
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'system' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}"
    "<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
SILENT_ON_SYSTEM = NO_SYSTEM.replace("{{ raise_exception('System role not supported') }}", "").replace(
    "<|{{ m['role'] }}|>{{ m['content'] }}<|end|>",
    "{% if m['role'] != 'system' %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endif %}",
)


def conversation(*turns: Message, response: str = "Paris.", tools: str = "") -> Conversation:
    return Conversation(turns, Message("assistant", response), tools)


def make_encoder(folder, *, longest: int = 512, **how) -> ChatEncoder:
    tiny_models.save_tokenizer(folder, **how)
    return ChatEncoder(ChatTemplate(load_tokenizer(Origin(str(folder))), "tiny"), longest)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory) -> ChatEncoder:
    return make_encoder(tmp_path_factory.mktemp("tokenizer"))


@pytest.fixture(scope="module")
def pair_encoder(tmp_path_factory) -> PairEncoder:
    folder = tmp_path_factory.mktemp("pair")
    tiny_models.save_pair_model(folder)
    return PairEncoder(load_tokenizer(Origin(str(folder))), 64)


def text_of(encoder: ChatEncoder, one: Conversation) -> str:
    (encoded,) = encoder.encode([one])
    assert isinstance(encoded, Encoded), encoded
    return encoder.tokenizer.decode(encoded.ids)


def reason_of(encoder: ChatEncoder | PairEncoder, one: Conversation) -> str:
    (encoded,) = encoder.encode([one])
    assert isinstance(encoded, UnfitError)
    return str(encoded)


# Which turns a response has before it


def test_a_response_has_its_own_system_prompt_the_prompt_and_its_own_turns_before_it():
    sample = Sample.of(
        prompt=[Message("system", "Be kind."), USER],
        texts=("a", "b"),
        labels=(1.0, 0.0),
        systems=("Be short.", None),
        turns=((), (ASSISTANT, Message("user", "Sure?"))),
        tools="[]",
    )
    first, second = (Conversation.of(sample, response) for response in sample.responses)
    assert first == conversation(Message("system", "Be short.\n\nBe kind."), USER, response="a", tools="[]")
    assert second.turns == (Message("system", "Be kind."), USER, ASSISTANT, Message("user", "Sure?"))


def test_the_template_writes_the_turns_and_their_marks(encoder):
    turns = (Message("system", "Be kind."), USER, ASSISTANT, Message("user", "Sure?"))
    assert text_of(encoder, conversation(*turns, response="Yes.")) == (
        "<|begin|><|system|>\nBe kind.<|end|>\n<|user|>\nWhat is the capital of France?<|end|>\n"
        "<|assistant|>\nParis.<|end|>\n<|user|>\nSure?<|end|>\n<|assistant|>\nYes.<|end|>\n"
    )


def test_tools_reach_the_template(encoder):
    tools = [{"type": "function", "function": {"name": "look_up", "parameters": {}}}]
    assert "look_up" in text_of(encoder, conversation(USER, tools=json.dumps(tools)))
    assert reason_of(encoder, conversation(USER, tools="{")) == "its tools are no list in JSON"


@pytest.mark.parametrize("template", [NO_SYSTEM, SILENT_ON_SYSTEM])
def test_without_a_system_role_the_system_prompt_opens_the_first_user_turn(tmp_path, template):
    encoder = make_encoder(tmp_path, template=template)
    assert text_of(encoder, conversation(Message("system", "Be kind."), USER)) == (
        "<|begin|><|user|>Be kind.\n\nWhat is the capital of France?<|end|><|assistant|>Paris.<|end|>"
    )


def test_what_a_template_refuses_has_no_score_and_a_reason(tmp_path):
    encoder = make_encoder(tmp_path, template=NO_SYSTEM.replace("'system'", "'tool'"))
    assert reason_of(encoder, conversation(Message("tool", "42"))) == (
        "the chat template refuses it: System role not supported"
    )


def test_a_template_that_rewrites_the_prompt_is_read_whole_or_refused_where_the_response_must_be_found(tmp_path):
    rewritten = "{% if not add_generation_prompt %}Answered: {% endif %}" + tiny_models.TEMPLATE
    encoder = make_encoder(tmp_path, template=rewritten)
    assert text_of(encoder, conversation(USER)).startswith("Answered: <|begin|><|user|>")
    encoder.template.must_part = True
    assert reason_of(encoder, conversation(USER)) == (
        "the chat template writes the prompt in another way once it is answered"
    )


def test_a_score_does_not_depend_on_the_day(tmp_path):
    encoder = make_encoder(tmp_path, template="{{ strftime_now('%d %b %Y') }}" + tiny_models.TEMPLATE)
    assert text_of(encoder, conversation(USER)).startswith("26 Jul 2024<|begin|>")


def test_an_image_is_not_scored_blindly(encoder):
    image = Message("user", "[image]", json.dumps({"content": [{"type": "image", "url": "a.png"}]}))
    assert reason_of(encoder, conversation(image)) == "a turn holds more than text, such as an image"


def test_a_model_without_a_template_is_refused_until_it_is_given_one(tmp_path):
    tokenizer = tiny_models.save_tokenizer(tmp_path, template=None)
    with pytest.raises(ScorerRefusedError) as refused:
        ChatTemplate(tokenizer, "tiny")
    assert str(refused.value) == (
        "tiny has no chat template, so how it reads a conversation is unknown: give it one, template=FILE."
    )
    file = tmp_path / "own.jinja"
    file.write_text(tiny_models.TEMPLATE)
    assert text_of(ChatEncoder(ChatTemplate(tokenizer, "tiny", str(file)), 512), conversation(USER)).endswith(
        "<|assistant|>\nParis.<|end|>\n"
    )


# Tokens


def test_there_is_one_bos_where_the_tokenizer_would_add_another(encoder):
    (encoded,) = encoder.encode([conversation(USER)])
    bos = encoder.tokenizer.bos_token_id
    assert encoder.tokenizer("text")["input_ids"][0] == bos
    assert encoded.ids.count(bos) == 1


def test_the_response_begins_behind_what_opens_its_turn_and_ends_with_its_mark(encoder):
    (encoded,) = encoder.encode([conversation(USER)])
    assert encoder.tokenizer.decode(encoded.ids[encoded.start :]) == "Paris.<|end|>\n"


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_reading_the_prompt_once_changes_no_token(encoder, prompt, first, second):
    asked = [conversation(Message("user", prompt), response=text) for text in (first, second)]
    for encoded, one in zip(encoder.encode(asked), asked, strict=True):
        whole = encoder.tokenizer(encoder.template.render(one).text, add_special_tokens=False)["input_ids"]
        assert encoded.ids == whole


def test_the_prompt_of_several_responses_is_read_once(tmp_path):
    encoder = make_encoder(tmp_path)
    prompt = Message("user", "Long ago. " * 20)
    read = []
    encoder.tokenizer = Counting(encoder.tokenizer, read)
    encoder.encode([conversation(prompt, response=f"Answer {n}.") for n in range(4)])
    assert sum(text.count("Long ago.") for text in read) == 20


class Counting:
    """A tokenizer that notes which texts it was given."""

    def __init__(self, tokenizer, read):
        self.tokenizer, self.read = tokenizer, read

    def __call__(self, texts, **how):
        self.read += texts
        return self.tokenizer(texts, **how)


# What does not fit


LONG = tuple(Message(("user", "assistant")[n % 2], f"Turn {n}. " + "x y " * 20) for n in range(7))


def test_the_oldest_turns_go_first_and_the_system_prompt_stays(tmp_path):
    encoder = make_encoder(tmp_path, longest=200)
    (encoded,) = encoder.encode([conversation(Message("system", "Be kind."), *LONG)])
    text = encoder.tokenizer.decode(encoded.ids)
    assert encoded.truncated
    assert len(encoded.ids) <= 200
    assert text.startswith("<|begin|><|system|>\nBe kind.<|end|>\n<|user|>\nTurn 6.")
    assert text.endswith("<|assistant|>\nParis.<|end|>\n")


def test_what_is_left_begins_with_the_user(tmp_path):
    encoder = make_encoder(tmp_path, longest=300)
    text = text_of(encoder, conversation(*LONG))
    assert text.startswith("<|begin|><|user|>\nTurn 4.")


def test_of_the_last_turn_the_start_is_cut(tmp_path):
    encoder = make_encoder(tmp_path, longest=60)
    (encoded,) = encoder.encode([conversation(Message("system", "Be kind."), Message("user", "a b c d " * 40 + "END"))])
    text = encoder.tokenizer.decode(encoded.ids)
    assert (encoded.truncated, 50 < len(encoded.ids) <= 60, "Be kind" in text) == (True, True, False)
    assert text.endswith("END<|end|>\n<|assistant|>\nParis.<|end|>\n")


def test_a_response_that_does_not_fit_has_no_score(tmp_path):
    encoder = make_encoder(tmp_path, longest=50)
    reason = reason_of(encoder, conversation(USER, response="z " * 100))
    assert reason.startswith("the response does not fit: ")
    assert reason.endswith(" tokens, and the model reads 50")


def test_what_fits_is_whole(encoder):
    (encoded,) = encoder.encode([conversation(*LONG[:3])])
    assert not encoded.truncated


def test_a_model_reads_as_much_as_model_and_tokenizer_say(tmp_path):
    tokenizer = tiny_models.save_reward_model(tmp_path) and load_tokenizer(Origin(str(tmp_path)))
    config = load_config(Origin(str(tmp_path)))
    assert (find_longest(tokenizer, config, 0), find_longest(tokenizer, config, 100)) == (512, 100)
    tokenizer.model_max_length = 64
    assert (find_longest(tokenizer, config, 0), find_longest(tokenizer, config, 100)) == (64, 64)


# Models of text pairs


def test_a_text_pair_is_the_prompt_and_the_response(pair_encoder):
    (encoded,) = pair_encoder.encode([conversation(USER)])
    assert pair_encoder.tokenizer.decode(encoded.ids) == "<|cls|>What is the capital of France?<|sep|>Paris.<|sep|>"
    assert pair_encoder.tokenizer.decode(encoded.ids[encoded.start :]) == "Paris.<|sep|>"
    assert encoded.types == [0] * encoded.start + [1] * (len(encoded.ids) - encoded.start)


def test_a_text_pair_that_is_too_long_loses_its_oldest_turns(pair_encoder):
    (encoded,) = pair_encoder.encode([conversation(*LONG, USER)])
    assert encoded.truncated
    assert pair_encoder.tokenizer.decode(encoded.ids).startswith("<|cls|>What is the capital")
    assert reason_of(pair_encoder, conversation(USER, response="z " * 100)).startswith("the response does not fit")
