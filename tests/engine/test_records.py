from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.records import Message, NulError, Pair, Sample, content_hash, content_of, hash_prompt, label_pair

PROMPT = (Message("user", "Name a prime."),)
USER, ANSWER = Message("user", "Hi"), Message("assistant", "Hello.")


def sample(*texts: str, prompt=PROMPT, labels=None, **others) -> Sample:
    return Sample.of(
        prompt=prompt, texts=texts, labels=labels or [1.0, 0.0, *[0.5] * len(texts)][: len(texts)], **others
    )


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


def test_ids_stay_the_same_from_version_to_version():
    made = sample("Seven.", "Nine.")
    ids = (made.sample_id, made.prompt_id, *(one.response_id for one in made.responses))
    assert ids == ("01f56b9205e7cd31", "18182e36de9a448f", "19c3b0fb38a2ecc0", "f18fa3b2b1c88e47")


@given(st.lists(TEXTS, min_size=1, max_size=4), st.lists(TEXTS, min_size=1, max_size=4))
def test_two_lists_of_texts_have_one_hash_only_if_they_are_the_same(one, other):
    assert (content_hash(*one) == content_hash(*other)) == (one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [(("ab", "c"), ("a", "bc")), (("a",), ("a", "")), (("",), ()), (("a", "b"), ("b", "a"))],
)
def test_a_hash_tells_where_one_part_ends(one, other):
    assert content_hash(*one) != content_hash(*other)


@pytest.mark.parametrize("parts", [("a\0b",), ("a", "\0"), ("\0",)])
def test_a_text_with_a_nul_has_no_hash(parts):
    with pytest.raises(NulError):
        content_hash(*parts)


def test_a_prompt_is_known_by_roles_and_order_too():
    turns = (Message("user", "a"), Message("assistant", "b"))
    others = [turns[::-1], turns[:1], (), (Message("system", "a"), turns[1]), (Message("user", "aassistantb"),)]
    assert len({hash_prompt(prompt) for prompt in (turns, *others)}) == 6


@given(st.lists(TEXTS, min_size=2, max_size=5), st.data())
def test_labels_and_order_leave_every_id_alone(texts, data):
    shuffled = data.draw(st.permutations(texts))
    labels = data.draw(st.lists(st.none() | st.floats(allow_nan=False), min_size=len(texts), max_size=len(texts)))
    one, other = sample(*texts), sample(*shuffled, labels=labels)
    assert one.sample_id == other.sample_id
    assert {one.text: one.response_id for one in one.responses} == {
        two.text: two.response_id for two in other.responses
    }


def test_source_flags_and_columns_leave_the_id_alone():
    plain = sample("a", "b")
    full = sample("a", "b", source="s", flags=["f"], columns=[{"x": 1.0}, {}])
    assert plain.sample_id == full.sample_id


DIFFERENT = {
    "prompt": {"prompt": (Message("user", "Name a prime!"),)},
    "role of the prompt": {"prompt": (Message("system", "Name a prime."),)},
    "system prompt of a response": {"systems": ["Be kind.", None]},
    "turns of a response": {"turns": [(USER,), ()]},
}


@pytest.mark.parametrize("change", DIFFERENT.values(), ids=DIFFERENT.keys())
def test_what_a_response_answers_changes_its_id(change):
    plain, changed = sample("a", "b"), sample("a", "b", **change)
    assert plain.sample_id != changed.sample_id
    assert plain.responses[0].response_id != changed.responses[0].response_id


def test_a_response_keeps_its_id_beside_others():
    assert sample("a", "b").responses[0].response_id == sample("c", "a", "d").responses[1].response_id


def test_a_response_repeated_is_another_sample():
    assert sample("a", "b").sample_id != sample("a", "b", "b").sample_id


def test_an_empty_system_prompt_is_none():
    assert sample("a", "b", systems=["", None]).sample_id == sample("a", "b").sample_id


def test_white_space_is_content():
    assert len({sample("a", text).sample_id for text in ("b", "b ", " b", "b\n", "b\r\n")}) == 5


@pytest.mark.parametrize("number", ["", "-2", "-13"])
def test_duplicates_share_their_content_id(number):
    assert content_of(f"0123456789abcdef{number}") == "0123456789abcdef"


PAIRS = {
    "chosen first": ([1.0, 0.0], Pair(0, 1)),
    "chosen last": ([0.0, 1.0], Pair(1, 0)),
    "tie": ([0.5, 0.5], None),
    "first highest and first lowest": ([2.0, 5.0, 5.0, 1.0, 1.0], Pair(1, 3)),
    "missing ones do not count": ([None, 3.0, None, 4.0], Pair(3, 1)),
    "zero is a label": ([0.0, None, -1.0], Pair(0, 2)),
    "one label": ([None, 3.0], None),
    "no label": ([None, None], None),
    "nothing": ([], None),
}


@pytest.mark.parametrize(("labels", "pair"), PAIRS.values(), ids=PAIRS.keys())
def test_the_pair_is_the_first_highest_and_the_first_lowest_label(labels, pair):
    assert label_pair(labels) == pair
    if len(labels) > 1:
        assert sample(*"abcde"[: len(labels)], labels=labels).pair == pair


@given(st.lists(st.none() | st.sampled_from([0.0, 1.0, 2.0]), max_size=6))
def test_a_pair_has_two_different_labels(labels):
    pair = label_pair(labels)
    known = {label for label in labels if label is not None}
    assert (pair is None) == (len(known) < 2)
    if pair:
        assert (labels[pair.chosen], labels[pair.rejected]) == (max(known), min(known))


FLAGS = {
    "nothing to tell": (sample("a", "b"), ()),
    "tie": (sample("a", "b", labels=[2.0, 2.0]), ("tie",)),
    "one label": (sample("a", "b", labels=[2.0, None]), ("no label",)),
    "no label": (sample("a", "b", labels=[None, None]), ("no label",)),
    "two labels of three": (sample("a", "b", "c", labels=[1.0, None, 2.0]), ()),
    "empty response": (sample("a", " \n\t"), ("empty response",)),
    "identical responses": (sample("a", "a"), ("identical responses",)),
    "two of three identical": (sample("a", "b", "a"), ("identical responses",)),
    "both empty": (sample("", ""), ("empty response", "identical responses")),
    "the same text under two system prompts": (sample("a", "a", systems=["s", "t"]), ()),
    "no prompt": (sample("a", "b", prompt=()), ("no prompt",)),
    "system and user": (sample("a", "b", prompt=(Message("system", "s"), USER)), ()),
    "prompt ends with an answer": (sample("a", "b", prompt=(USER, ANSWER)), ("roles do not alternate",)),
    "user twice": (sample("a", "b", prompt=(USER, USER)), ("roles do not alternate",)),
    "contexts differ": (sample("a", "b", turns=[(ANSWER, USER), ()]), ("contexts differ",)),
    "contexts differ from the first turn": (
        sample("a", "b", prompt=(), turns=[(USER,), (Message("user", "Ho"),)]),
        ("contexts differ",),
    ),
    "contexts differ after an answer": (
        sample("a", "b", prompt=(USER, ANSWER), turns=[(USER,), (Message("user", "Ho"),)]),
        ("contexts differ",),
    ),
    "one of two contexts stumbles": (
        sample("a", "b", turns=[(), (ANSWER,)]),
        ("contexts differ", "roles do not alternate"),
    ),
    "flags of the format stand first": (sample("a", "", flags=["doubtful"]), ("doubtful", "empty response")),
}


@pytest.mark.parametrize(("made", "flags"), FLAGS.values(), ids=FLAGS.keys())
def test_a_sample_is_flagged_with_what_a_person_should_know(made, flags):
    assert made.flags == flags


@pytest.mark.parametrize("labels", [[1.0], [1.0, 0.0, 0.5]])
def test_texts_and_labels_must_be_as_many(labels):
    with pytest.raises(ValueError, match="zip"):
        Sample.of(prompt=PROMPT, texts="ab", labels=labels)


def test_a_record_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        sample("a", "b").row = 7  # type: ignore[misc]
