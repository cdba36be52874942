"""Texts as rows: words, pairs of words, style."""

import numpy as np
import pytest

from engine.ngrams import BITS, STYLE_WEIGHT, Text, Vocabulary, split_words

TEXTS = [
    Text("No. I can not help.", "Can you help?"),
    Text("Yes! I can help.\n- first", "Can you help?"),
    Text("No idea", "What is it"),
]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Can't stop, won't", ["can", "'", "t", "stop", ",", "won", "'", "t"]),
        ("日本語 ok_1 🎉", ["日本語", "ok_1", "🎉"]),
        (" \n", []),
    ],
)
def test_a_text_is_cut_into_words_and_marks(text, words):
    assert split_words(text) == words


def test_words_of_two_texts_are_known():
    vocabulary = Vocabulary.learn(TEXTS)
    assert vocabulary.numbers == {".": 1, "can": 2, "help": 3, "i": 4, "no": 5}
    assert vocabulary.is_mark.tolist() == [False, True, False, False, False, False]
    assert vocabulary.rarity == pytest.approx(np.log([4, 2, 2, 2, 2, 2]))


def test_words_and_pairs_are_weighed_by_their_counts_and_brought_to_length_1():
    vocabulary = Vocabulary.learn(TEXTS)
    rows = vocabulary.rows([Text("can help can help. help", "")])
    words = rows[:, : len(vocabulary.rarity)].toarray()[0]
    weights = np.array([0, 1, 1 + np.log(2), 1 + np.log(3), 0, 0])
    assert words == pytest.approx(weights / np.linalg.norm(weights))
    pairs = rows[:, len(vocabulary.rarity) :][:, : 1 << BITS]
    weights = np.array([1, 1, 1, 1 + np.log(2)])
    assert np.sort(pairs.data) == pytest.approx(weights / np.linalg.norm(weights))


def test_style_is_standard_over_the_texts_learned_from():
    vocabulary = Vocabulary.learn(TEXTS)
    style = vocabulary.rows(TEXTS)[:, -len(vocabulary.mean) :].toarray()
    assert style.mean(axis=0) == pytest.approx(0, abs=1e-12)
    assert style.std(axis=0) == pytest.approx(STYLE_WEIGHT)
    length, lines, ends, shared, asked, marks, rarity = style.T
    assert length.argmin() == shared.argmin() == asked.argmin() == 2
    assert ends.argmax() == 0
    assert marks[0] > marks[1] > marks[2]
    assert lines.argmax() == 1
    assert rarity.argmin() == 0


def test_a_row_does_not_depend_on_the_texts_beside_it():
    texts = [Text(f"I can help {'no ' * (n % 7)}. {n}", "Can you help?") for n in range(1200)]
    vocabulary = Vocabulary.learn(texts)
    together, alone = vocabulary.rows(texts), vocabulary.rows(texts[700:701])
    assert (together[700] != alone).nnz == 0
    assert together.shape == (1200, vocabulary.columns)


def test_three_letters_count_by_their_rarity():
    vocabulary = Vocabulary.learn([Text("abc", ""), Text("abcd", ""), Text("x", "")])
    row = vocabulary.rows([Text("abc", "")])[:, -(1 << BITS) - len(vocabulary.mean) : -len(vocabulary.mean)]
    assert sorted(row.data) == pytest.approx([0, np.sqrt(0.5), np.sqrt(0.5)])


def test_a_text_of_unknown_words_has_style_alone():
    vocabulary = Vocabulary.learn(TEXTS)
    row = vocabulary.rows([Text("zebra", "")])
    assert not row[:, : -len(vocabulary.mean)].data.any()
