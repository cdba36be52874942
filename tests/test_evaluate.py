"""scripts/evaluate.py on files as MT-Bench, AlpacaEval and Evol-Instruct publish them, with a judge on this machine."""

import json

import evaluate
import numpy as np
import pytest
from eval_files import Question, read_answers, read_questions
from eval_judging import Duel, Grade
from eval_measuring import control_length, estimate, measure_duels, measure_grades
from judge_server import JudgeServer, rate
from tiny_models import save_language_model

MT = [
    {"question_id": 81, "category": "writing", "turns": ["Compose a post.", "Rewrite it."]},
    {"question_id": 111, "category": "math", "turns": ["What is 1 + 1?", "And twice that?"], "reference": ["2", "4"]},
]
ALPACA = [
    {
        "dataset": "helpful_base",
        "instruction": "Name a colour.",
        "output": "Blue, naïvely.",
        "generator": "text_davinci",
    },
    {"dataset": "koala", "instruction": "Say 日本語.", "output": "日本語", "generator": "text_davinci"},
]
EVOL = [
    {"idx": 1, "Skill": "Math", "Difficulty": 1, "Instruction": "If a car travels 120 miles in 2 hours?"},
    {"idx": 2, "Skill": "Writting", "Difficulty": 3, "Instruction": "Write a card."},
]


def answers_to(layout: str, model: str, texts: list[list[str]]) -> list[dict]:
    """Write answers as the benchmarks' own tools do."""
    if layout == "mt":
        return [
            {"question_id": row["question_id"], "answer_id": "x", "model_id": model, "tstamp": 1.0,
             "choices": [{"index": 0, "turns": turns}]}
            for row, turns in zip(MT, texts, strict=True)
        ]  # fmt: skip
    if layout == "alpaca":
        return [
            {"instruction": row["instruction"], "output": text, "generator": model}
            for row, [text] in zip(ALPACA, texts, strict=True)
        ]
    return [
        {"id": row["idx"], "instruction": row["Instruction"], model: text}
        for row, [text] in zip(EVOL, texts, strict=True)
    ]


QUESTIONS = {"mt": MT, "alpaca": ALPACA, "evol": EVOL}
TEXTS = {"mt": [["a good post", "bad"], ["2", "a good 4"]], "alpaca": [["good"], ["ab"]], "evol": [["good"], ["ab"]]}


def write(path, layout: str, rows: list[dict]):
    text = json.dumps(rows) if layout == "alpaca" else "".join(json.dumps(row) + "\n" for row in rows)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def place(tmp_path):
    """Write the questions of a benchmark, and the answers of some models."""

    def make(layout: str, **models: list[list[str]]):
        write(tmp_path / "questions", layout, QUESTIONS[layout])
        for name, texts in models.items():
            write(tmp_path / name, layout, answers_to(layout, name, texts))
        return tmp_path

    return make


def judge(place, server, *more: str) -> dict:
    spec = f"judge:made-up?base_url={server.url}"
    evaluate.main(["judge", str(place / "questions"), *more, "--judge", spec, "-o", str(place / "judged")])
    return json.loads((place / "judged" / "summary.json").read_text())


@pytest.mark.parametrize("layout", QUESTIONS)
def test_each_benchmark_is_known_by_its_columns_and_its_answers_are_read(place, layout):
    folder = place(layout, mine=TEXTS[layout])
    found, questions = read_questions(folder / "questions")
    names = {"mt": "MT-Bench", "alpaca": "AlpacaEval", "evol": "Evol-Instruct"}
    assert found.name == names[layout]
    answers = read_answers(folder / "mine", found, questions)
    assert answers.model == "mine"
    assert [list(answers.turns[one.key]) for one in questions] == TEXTS[layout]


def test_two_turns_are_graded_each_with_what_was_said_before(place):
    folder = place("mt", mine=TEXTS["mt"])
    with JudgeServer(logprobs=False) as server:
        said = judge(folder, server, str(folder / "mine"))
    grades = [rate(text) for turns in TEXTS["mt"] for text in turns]
    assert said["results"]["all"]["value"] == np.mean(grades)
    assert said["results"]["turn 1"]["value"] == np.mean(grades[0::2])
    assert said["results"]["category math"]["value"] == np.mean(grades[2:])
    second = next(text for text in server.answered if "Rewrite it." in text)
    assert "ASSISTANT, EARLIER\na good post\n" in second
    assert "from 1 to 10" in second


@pytest.mark.parametrize("layout", ["alpaca", "evol"])
def test_a_judge_that_follows_the_order_gives_one_half(place, layout):
    folder = place(layout, mine=TEXTS[layout], other=[["worse"], ["no"]])
    with JudgeServer("first") as server:
        said = judge(folder, server, str(folder / "mine"), "--against", str(folder / "other"))
    assert said["results"]["win rate"] == {"value": 0.5, "low": 0.5, "high": 0.5, "of": 2}
    assert said["results"]["decided by the order"]["value"] == 1.0


def test_both_orders_are_asked_and_a_tie_is_half(place):
    folder = place("evol", mine=[["a good"], ["good"]], other=[["a bad"], ["good"]])
    with JudgeServer(logprobs=False) as server:
        said = judge(folder, server, str(folder / "mine"), "--against", str(folder / "other"))
    assert said["results"]["win rate"]["value"] == 0.75
    asked = [text for text in server.answered if "a car travels" in text]
    assert len(asked) == 2
    assert sorted(text.index("a good") < text.index("a bad") for text in asked) == [False, True]
    assert not any("Write a card." in text for text in server.answered)


def test_alpaca_eval_outputs_are_the_answers_to_compare_with(place):
    folder = place("alpaca", mine=TEXTS["alpaca"])
    with JudgeServer(logprobs=False) as server:
        said = judge(folder, server, str(folder / "mine"), "--against", str(folder / "questions"))
    assert said["title"].startswith("mine against text_davinci")
    assert (said["judged"], said["missing"]) == (2, 0)


def test_no_text_gets_the_lowest_grade_and_loses(place):
    folder = place("evol", mine=[[" "], ["good"]], other=[["x"], [""]])
    with JudgeServer(logprobs=False) as server:
        duels = judge(folder, server, str(folder / "mine"), "--against", str(folder / "other"))
        grades = judge(folder, server, str(folder / "mine"))
    assert duels["results"]["category Math"]["value"] == 0.0
    assert duels["results"]["category Writting"]["value"] == 1.0
    assert grades["results"]["category Math"]["value"] == 1.0
    assert not any("a car travels" in text for text in server.answered)


def test_what_failed_is_missing_and_the_same_command_asks_for_it_alone(place):
    folder = place("mt", mine=TEXTS["mt"])
    with JudgeServer(f"good,good{',prose' * 20}", logprobs=False) as server:
        with pytest.raises(SystemExit) as left:
            judge(folder, server, str(folder / "mine"))
        assert left.value.code == 3
        known = json.loads((folder / "judged" / "summary.json").read_text())["missing"]
        assert known >= 1
        before = server.answered.copy()
        server.follow("good")
        said = judge(folder, server, str(folder / "mine"))
    assert said["missing"] == 0
    assert sum((server.answered - before).values()) == known
    again = judge(folder, server, str(folder / "mine"))
    assert again == said


def test_another_judge_does_not_mix_with_the_first(place):
    folder = place("evol", mine=TEXTS["evol"])
    with JudgeServer() as server:
        judge(folder, server, str(folder / "mine"))
        spec = f"judge:another?base_url={server.url}"
        with pytest.raises(
            SystemExit, match=r"was judged in another way\. Give another --output, or remove the file\."
        ):
            evaluate.main(["judge", str(folder / "questions"), str(folder / "mine"), "--judge", spec,
                           "-o", str(folder / "judged")])  # fmt: skip


@pytest.mark.parametrize(
    ("content", "more", "sentence"),
    [
        ("{", (), "is neither JSON nor JSON lines"),
        ("[1]", (), "holds something other than objects"),
        ('{"a": 1}', (), "is no question file of MT-Bench, AlpacaEval, Evol-Instruct"),
        ('{"turns": ["a"]}', (), "row 1 is not as the benchmark writes it: 'question_id'"),
        (json.dumps(MT[0]), ("--against", "questions"), "has several turns, which are graded alone"),
        (json.dumps({**MT[0], "question_id": 5}), (), "does not answer all turns of question '5'"),
    ],
)
def test_what_cannot_be_judged_is_one_sentence(place, content, more, sentence, monkeypatch):
    folder = place("mt", mine=[TEXTS["mt"][0], TEXTS["mt"][1]])
    monkeypatch.chdir(folder)
    (folder / "questions").write_text(content)
    with pytest.raises(SystemExit, match=sentence) as left:
        evaluate.main(["judge", "questions", "mine", "--judge", "judge:m", "-o", "judged", *more])
    assert "\n" not in str(left.value)


@pytest.mark.train
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("layout", QUESTIONS)
def test_a_model_answers_in_the_files_of_each_benchmark_and_is_not_asked_twice(place, layout):
    folder = place(layout)
    save_language_model(folder / "tiny")
    command = ["answer", str(folder / "questions"), "--model", str(folder / "tiny"), "-o", str(folder / "out"),
               "--most-tokens", "5", "--batch", "2"]  # fmt: skip
    evaluate.main(command)
    written = json.loads((folder / "out").read_text()) if layout == "alpaca" else None
    written = written or [json.loads(line) for line in (folder / "out").read_text().splitlines()]
    texts = [
        turns for _, turns in sorted(read_answers(folder / "out", *read_questions(folder / "questions")).turns.items())
    ]
    rows = answers_to(layout, "tiny", [["a"] * len(texts[0])] * 2)
    assert [row.keys() - {"dataset"} for row in written] == [row.keys() for row in rows]
    lines = (folder / "out.log").read_text().splitlines()
    (folder / "out.log").write_text("\n".join(lines[:2]) + "\n")
    evaluate.main(command)
    assert (folder / "out.log").read_text().splitlines() == lines


def test_intervals_come_from_questions_drawn_anew():
    one, other = Question("1", ("a", "b"), "x"), Question("2", ("a", "b"), "x")
    grades = [Grade(one, 0, 2.0), Grade(one, 1, 4.0), Grade(other, 0, 8.0), Grade(other, 1, None)]
    found = measure_grades(grades)
    assert found["all"][:3] == (14 / 3, 3.0, 8.0)
    assert set(found) == {"all", "turn 1", "turn 2"}
    assert estimate(np.ones((3, 1)), lambda rows: float(rows.mean())) == (1, 1, 1, 3)


def test_a_longer_answer_alone_wins_nothing_at_equal_length():
    random = np.random.default_rng(0)
    difference = random.normal(200, 300, 2000)
    longer = np.column_stack([random.random(2000) < 1 / (1 + np.exp(-2 * np.tanh(difference / 300))), difference])
    assert longer[:, 0].mean() > 0.6
    assert control_length(longer) == pytest.approx(0.5, abs=0.04)
    better = np.column_stack([random.random(2000) < 0.7, difference])
    assert control_length(better) == pytest.approx(0.7, abs=0.04)


def test_a_model_that_always_wins_has_a_finite_rate_at_equal_length():
    duels = [Duel(Question(str(n), ("a",), ""), 1.0, 1.0, (n, 10)) for n in range(50)]
    found = measure_duels(duels)
    assert found["win rate"].value == 1.0
    assert 0.9 < found["win rate at equal length"].value < 1.0
