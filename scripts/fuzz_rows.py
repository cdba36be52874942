"""Invented rows to mutate: one or two of every format, and of the table whose columns are named."""

from typing import Any

Json = dict[str, Any]

COLUMNS = {"prompt": "q", "chosen": "good", "rejected": "bad"}
"""What --columns would say of the rows under `columns`."""

CALL = {"id": "c1", "type": "function", "function": {"name": "sieve", "arguments": "{}"}}
TOOLS = [{"type": "function", "function": {"name": "sieve", "parameters": {"type": "object"}}}]
PARTS = [{"type": "text", "text": "What is this? "}, {"type": "image", "image": "a.png"}]
ASPECTS = ("helpfulness", "honesty", "instruction_following", "truthfulness")


def turn(role: str, content: object, **more: object) -> Json:
    return {"role": role, "content": content, **more}


def talk(*contents: object, system: str = "") -> list[Json]:
    turns = [turn(("user", "assistant")[at % 2], content) for at, content in enumerate(contents)]
    return [turn("system", system), *turns] if system else turns


def rated(text: str, stars: int, **more: object) -> Json:
    annotations = {aspect: {"Rating": str(stars), "Rationale": "ok"} for aspect in ASPECTS}
    return {"model": "m", "response": text, "annotations": annotations, "fine-grained_score": float(stars),
            "overall_score": stars * 2, "critique": "Fine.", **more}  # fmt: skip


def ratings(prompt: str, response: str, stars: object) -> Json:
    return {"prompt": prompt, "response": response, "helpfulness": stars, "correctness": 4, "coherence": "4",
            "complexity": 1.0, "verbosity": None}  # fmt: skip


def spoken(speaker: str, value: object) -> Json:
    return {"from": speaker, "value": value}


WHOLE = {"chosen": talk("Name a prime.", "Seven."), "rejected": talk("Name a prime.", "Nine.")}
LONG = talk("Hi.", "Hello.", "Which colour?", system="Be brief.")
MARKED = "Hi\n<extra_id_1>Assistant\nHello.\n<extra_id_1>User\nWhich colour?"
TRANSCRIPT = "\n\nHuman: Hi\n\nAssistant: Hello.\n\nHuman: Which colour?\n\nAssistant:"
LETTERS = "response_a", "response_b"
VOTES = {"individual_preference": [{"score": -2, "feedback": "-"}, {"score": -100}]}

SEEDS: dict[str, list[Json]] = {
    "ultrafeedback": [
        {"source": "sharegpt", "instruction": "Name a prime.", "models": ["m1", "m2"], "correct_answers": ["None"],
         "completions": [rated("Seven.", 4, custom_system_prompt="Be kind."), rated("Nine.", 2), rated("Six.", 1)]},
    ],
    "h4": [
        {"prompt": "Name a prime.", "prompt_id": "p1", **WHOLE, "messages": [], "score_chosen": 8.0,
         "score_rejected": 5.0},
    ],
    "argilla": [
        {"instruction": "Name a prime.", "chosen_response": "Seven.", "rejected_response": "Nine.",
         "chosen_avg_rating": 4.5, "rejected_avg_rating": 2.0, "chosen_model": "m1"},
        {**WHOLE, "chosen-rating": 4.5, "rejected-rating": "2.0", "prompt": "Name a prime."},
    ],
    "hh": [
        {"chosen": f"{TRANSCRIPT} Blue.", "rejected": f"{TRANSCRIPT} Blueish."},
        {"chosen": "\n\nHuman: Name a prime.\n\nAssistant: Seven.", "rejected": f"{TRANSCRIPT} Nine."},
    ],
    "helpsteer2": [
        {"split": "train", "prompt": MARKED, "response_1": "Blue.", "response_2": "Red.", "preference_strength": -2,
         "all_preferences_unprocessed": [{"strength": -3, "justification": "-"}, {"strength": -100}]},
    ],
    "helpsteer3": [
        {"domain": "stem", "language": "en", "context": LONG, "response1": "Blue.", "response2": "Red.",
         "overall_preference": 2, **VOTES},
    ],
    "helpsteer2-base": [ratings("Name a prime.", "Seven.", 4), ratings("Name a prime.", "Nine.", "1")],
    "nectar": [
        {"prompt": TRANSCRIPT, "good_natured": True, "source": ["lmsys"],
         "answers": [{"answer": f"Answer {rank}.", "model": "m", "rank": float(rank)} for rank in range(1, 8)]},
    ],
    "shp": [
        {"post_id": "x", "domain": "askmath", "history": "Name a prime.", "human_ref_A": "Seven.",
         "human_ref_B": "Nine.", "labels": 1, "score_A": 12, "score_B": 3, "score_ratio": 4.0},
    ],
    "webgpt": [
        {"question": {"dataset": "eli5", "id": "q", "full_text": "Name a prime."}, "answer_0": "Seven.",
         "answer_1": "Nine.", "score_0": 0.5, "score_1": -0.5, "quotes_0": {"title": [], "extract": []}},
    ],
    "pku": [
        {"prompt": "Name a prime.", "response_0": "Seven.", "response_1": "Nine.", "better_response_id": 0,
         "safer_response_id": 1, "is_response_0_safe": True, "response_0_severity_level": 0},
    ],
    "alpaca": [
        {"instruction": "Name a prime.", "input": "", "chosen": "Seven.", "rejected": "Nine."},
        {"instruction": "Name a prime.", "input": "Below 10.", "system": "Be brief.", "history": [["Hi", "Hello."]],
         "chosen": "Seven.", "rejected": "Nine.", "source": "book", "score_chosen": 2, "score_rejected": 1.5},
    ],
    "dissection": [
        {"query": "Name a prime.", "scenario_group": "Exam", "response_1": {"content": "Seven.", "model": "m1"},
         "response_2": {"content": "Nine.", "num_words": 1},
         "preference_labels": {"human": "response_1", "m3": "response_2"}},
    ],
    "pandalm": [
        {"instruction": "Name a prime.", "input": "Below 10.", "response1": "Seven.", "response2": "Nine.",
         "annotator1": 1, "annotator2": "2", "annotator3": 0, "motivation_app": "Grammarly"},
    ],
    "llmbar": [{"input": "Name a prime.", "output_1": "Seven.", "output_2": "Nine.", "label": 1}],
    "judgebench": [
        {"pair_id": "p", "source": "mmlu", "question": "Name a prime.", "response_A": "Seven.", "response_B": "Nine.",
         "label": "A>B"},
    ],
    "autoj": [{"scenario": "quiz", "label": 1, "prompt": "A prime?", "response 1": "Seven.", "response 2": "Nine."}],
    "rmbench": [
        {"id": 1, "prompt": "Name a prime.", "chosen": ["7", "Seven."], "rejected": ["9", "Nine."], "domain": "math",
         "error_key": "nine"},
    ],
    "openai": [
        {"input": {"messages": talk("Name a prime."), "tools": [], "parallel_tool_calls": True},
         "preferred_output": talk("", "Seven.")[1:], "non_preferred_output": talk("", "Nine.")[1:]},
        {"input": {"messages": LONG, "tools": TOOLS}, "preferred_output": [turn("assistant", None, tool_calls=[CALL])],
         "non_preferred_output": talk("", "Red.")[1:]},
    ],
    "sharegpt": [
        {"conversations": [spoken("human", "Name a prime.")], "chosen": spoken("gpt", "Seven."),
         "rejected": spoken("gpt", "Nine."), "system": "Be brief.", "chosen_score": 4, "rejected_score": 1},
        {"conversations": [spoken("human", "Hi."), spoken("function_call", '{"name": "f", "arguments": {}}'),
                           spoken("observation", "7")],
         "chosen": spoken("gpt", "Blue."), "rejected": spoken("gpt", "Red."), "tools": "[]"},
    ],
    "intel": [
        {"system": "Be brief.", "question": "Name a prime.", "chosen": "Seven.", "rejected": "Nine."},
        {"system": "", "input": "Name a prime.", "chosen": "Seven.", "rejected": "Nine.", "status": "swapped"},
    ],
    "axolotl": [
        {"messages": LONG, "chosen": turn("assistant", " Azure."), "rejected": turn("assistant", "Crimson.")},
        {"messages": talk("Name a prime."), "chosen": "Seven.", "rejected": "Nine.", "tools": TOOLS},
    ],
    "arena": [
        {"model_a": "m1", "model_b": "m2", "winner": "model_a", "conversation_a": WHOLE["chosen"], "turn": 1,
         "conversation_b": WHOLE["rejected"]},
        {"winner": "tie (bothbad)", "conversation_a": talk(PARTS, "Blue."), "conversation_b": talk(PARTS, "Red.")},
    ],
    "arena-csv": [
        {"id": "1", "model_a": "m1", "prompt": '["Hi", "A prime?"]', "response_a": '["Hello.", "Seven."]',
         "response_b": '[null, "Nine."]', "winner_model_a": "0", "winner_model_b": "1", "winner_tie": "0"},
    ],
    "kto": [
        {"prompt": "Name a prime.", "completion": "Seven.", "label": True},
        {"prompt": "Name a prime.", "completion": talk("", "Nine.")[1:], "label": False},
    ],
    "trl": [
        {"prompt": "Name a prime.", "chosen": "Seven.", "rejected": "Nine.", "margin": 2.5, "deep": {"a": [{"b": 1}]}},
        {"prompt": LONG, "chosen": talk("", "Blue.")[1:], "rejected": talk("", "Red.")[1:], "tools": TOOLS},
        {**WHOLE, "chosen_reward": 1, "rejected_reward": None, "source": "x"},
        {"prompt": talk(PARTS), "chosen": talk("", "A cat.")[1:], "rejected": talk("", "A dog.")[1:]},
    ],
    "columns": [{"q": "Name a prime.", "good": "Seven.", "bad": "Nine.", "n": 1}],
}  # fmt: skip
