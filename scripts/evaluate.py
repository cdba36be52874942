"""Answer the questions of MT-Bench, AlpacaEval or Evol-Instruct with a model, and have the answers judged.

`answer` writes the answer file that the benchmark's own tools read. `judge` has each turn graded from 1 to 10, or, with
--against, each answer compared with another model's in both orders: a judge that follows the order gives half a win to
each. Both go on where they were interrupted. Questions and answers are the published files; alpaca_eval.json is both.

Example: python scripts/evaluate.py answer question.jsonl --model ./dpo-model -o dpo.jsonl
         python scripts/evaluate.py judge question.jsonl dpo.jsonl --judge judge:gpt-4o -o dpo-judged
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from eval_files import Layout, Question, read_answers, read_questions, write_answers
from eval_generating import Decoding, answer
from eval_judging import Duel, Grade, duel, grade
from eval_measuring import measure_duels, measure_grades

from engine.errors import ConfigError, PrefmapError
from engine.judging.intervals import Estimate
from engine.visible import visible

PARTLY_DONE = 3
"""Exit code where judgements are missing."""


def main(arguments: list[str] | None = None) -> None:
    """Do one of both; what cannot be done is one sentence."""
    args = _parse(arguments)
    try:
        layout, questions = read_questions(args.questions)
        missing = args.work(args, layout, questions[: args.limit])
    except PrefmapError as error:
        sys.exit(f"evaluate: {error}")
    if missing:
        sys.exit(PARTLY_DONE)


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    works = parser.add_subparsers(required=True)
    asking = works.add_parser("answer", help="answer the questions with a model")
    asking.add_argument("questions", type=Path)
    asking.add_argument("--model", required=True, help="folder (of a model or an adapter), .gguf file or hub name")
    asking.add_argument("--name", help="what the model is called in the answers; default: the end of --model")
    asking.add_argument("--most-tokens", type=int, default=Decoding.most_tokens)
    asking.add_argument("--temperature", type=float, default=Decoding.temperature)
    asking.add_argument("--batch", type=int, default=Decoding.batch)
    asking.add_argument("--seed", type=int, default=Decoding.seed)
    asking.set_defaults(work=run_answer)
    judging = works.add_parser("judge", help="have answers judged")
    judging.add_argument("questions", type=Path)
    judging.add_argument("answers", type=Path)
    judging.add_argument("--against", type=Path, help="answers of the model to compare with")
    judging.add_argument("--judge", required=True, help="judge:MODEL?base_url=URL, as prefmap score takes it")
    judging.set_defaults(work=run_judge)
    for each in (asking, judging):
        each.add_argument("-o", "--output", type=Path, required=True, help="answer file, or folder of judgements")
        each.add_argument("--limit", type=int, help="only the first questions")
    return parser.parse_args(arguments)


def run_answer(args: argparse.Namespace, layout: Layout, questions: Sequence[Question]) -> int:
    """Answer, and write the file when all is answered."""
    decoding = Decoding(args.most_tokens, args.temperature, args.batch, args.seed)
    name = args.name or Path(args.model).name
    log = args.output.with_name(args.output.name + ".log")
    answers = answer(questions, args.model, name, decoding, log, _narrate)
    write_answers(args.output, layout, questions, answers)
    _narrate(f"{args.output}: {len(questions):,} answers of {name}, as {layout.name} has them.")
    return 0


def run_judge(args: argparse.Namespace, layout: Layout, questions: Sequence[Question]) -> int:
    """Have the answers judged, print what came of it, and give the number of missing judgements."""
    answers = read_answers(args.answers, layout, questions)
    args.output.mkdir(parents=True, exist_ok=True)
    judged: Sequence[Grade] | Sequence[Duel]
    if args.against is None:
        judged = grades = grade(questions, answers, args.judge, args.output / "grades.jsonl", _narrate)
        found, title = measure_grades(grades), f"{answers.model}, graded from 1 to 10 by {args.judge}"
    else:
        if any(len(one.turns) > 1 for one in questions):
            raise ConfigError(f"{layout.name} has several turns, which are graded alone: leave --against out.")
        other = read_answers(args.against, layout, questions)
        judged = duels = duel(questions, answers, other, args.judge, args.output / "duels.jsonl", _narrate)
        found, title = measure_duels(duels), f"{answers.model} against {other.model}, by {args.judge}"
    missing = sum(one.value is None for one in judged)
    print(_write(visible(title), found, len(judged), missing))
    said = {name: one._asdict() for name, one in found.items()}
    summary = {"benchmark": layout.name, "title": title, "judged": len(judged), "missing": missing, "results": said}
    (args.output / "summary.json").write_text(
        json.dumps(summary, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    return missing


def _write(title: str, found: dict[str, Estimate], judged: int, missing: int) -> str:
    rows = [
        f"  {visible(name):<28} {one.value:6.3f}  [{one.low:.3f}, {one.high:.3f}]  {one.of:,}"
        for name, one in found.items()
    ]
    gaps = [f"  {missing:,} of {judged:,} judgements are missing; the same command asks again."] if missing else []
    return "\n".join([f"{title} (95 % interval, questions)", *rows, *gaps])


def _narrate(text: str) -> None:
    print(visible(text), file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
