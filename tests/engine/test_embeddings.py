import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from engine.errors import ScorerRefusedError
from engine.modelling.batching import pack
from engine.modelling.embeddings import identify_embedder, load_embedder

pytest.importorskip("torch")
pytest.importorskip("transformers")

TEXTS = ["a cat sat.", "why?", "the dog ran off, and it ran far. " * 3, "x", "zebra 42", "why?", "cats sit"]


def test_texts_of_like_length_go_together_and_no_batch_is_wider_than_asked():
    assert list(pack([3, 9, 3, 8, 40, 1], 18)) == [[4], [1, 3], [0, 2, 5]]
    assert list(pack([5, 5, 5], 5)) == [[0], [1], [2]]
    assert list(pack([0, 0], 5)) == [[0, 1]]
    assert list(pack([], 5)) == []


@pytest.fixture(scope="module")
def embedder(tiny_embedder):
    return load_embedder(str(tiny_embedder), device="cpu")


def test_a_vector_is_the_mean_of_the_last_states(embedder):
    import torch

    (vector,) = embedder.embed(["a cat"])
    ids = torch.tensor([embedder.tokenizer("a cat")["input_ids"]])
    assert ids.shape == (1, 6)
    with torch.inference_mode():
        mean = embedder.model(input_ids=ids).last_hidden_state[0].mean(dim=0).numpy()
    assert np.allclose(vector, mean / np.linalg.norm(mean), atol=1e-6)
    (tokens,) = embedder.embed_tokens(["a cat"])
    assert tokens.shape == (4, 32)
    assert np.allclose(np.linalg.norm(tokens, axis=1), 1)


@pytest.mark.parametrize("tokens_at_once", [0, 1, 24])
def test_a_text_has_the_same_vector_alone_and_among_others(tiny_embedder, embedder, tokens_at_once):
    some = load_embedder(str(tiny_embedder), device="cpu", tokens_at_once=tokens_at_once)
    alone = np.concatenate([embedder.embed([text]) for text in TEXTS])
    assert some.embed(TEXTS).shape == (7, 32)
    assert some.embed(TEXTS).dtype == np.float32
    assert np.abs(some.embed(TEXTS) - alone).max() < 1e-5
    for text, states in zip(TEXTS, some.embed_tokens(TEXTS), strict=True):
        assert np.abs(states - embedder.embed_tokens([text])[0]).max() < 1e-5


def test_texts_that_differ_have_vectors_that_differ(embedder):
    vectors = embedder.embed(["a cat sat.", "why?", "zebra 42"])
    assert (vectors @ vectors.T)[np.triu_indices(3, 1)].max() < 0.99


def test_no_texts_have_no_vectors(embedder):
    assert embedder.embed([]).shape == (0, 32)
    assert (embedder.embed_tokens([]), embedder.cuts([])) == ([], [])


def test_each_text_goes_through_the_model_once(embedder):
    seen = []
    hook = embedder.model.register_forward_pre_hook(
        lambda _, __, given: seen.append(len(given["input_ids"])), with_kwargs=True
    )
    embedder.embed(TEXTS * 3)
    hook.remove()
    assert sum(seen) == len(set(TEXTS))


def test_the_end_of_a_long_text_is_left_out_and_said_to_be(embedder):
    long = "a" * 40
    assert embedder.cuts([long, "a" * 30, "a" * 31, ""]) == [True, False, True, False]
    assert np.array_equal(embedder.embed([long]), embedder.embed([long + "b"]))
    assert len(embedder.embed_tokens([long])[0]) == 30


@pytest.fixture
def copied(tiny_embedder, tmp_path):
    return shutil.copytree(tiny_embedder, tmp_path / "copy")


def test_an_embedder_is_known_by_what_it_is_not_by_where_it_lies(tiny_embedder, copied):
    known = identify_embedder(str(tiny_embedder))
    assert identify_embedder(str(copied)) == known
    (copied / "sentence_bert_config.json").write_text('{"max_seq_length": 16}')
    assert identify_embedder(str(copied)) != known
    assert load_embedder(str(copied), device="cpu").longest == 16


def test_the_first_state_alone_is_taken_where_the_model_says_so(copied, embedder):
    import torch

    (copied / "1_Pooling").mkdir()
    (copied / "1_Pooling" / "config.json").write_text(
        '{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}'
    )
    (vector,) = load_embedder(str(copied), device="cpu").embed(["a cat"])
    with torch.inference_mode():
        ids = torch.tensor([embedder.tokenizer("a cat")["input_ids"]])
        first = embedder.model(input_ids=ids).last_hidden_state[0, 0].numpy()
    assert np.allclose(vector, first / np.linalg.norm(first), atol=1e-6)


def refusal(name) -> str:
    with pytest.raises(ScorerRefusedError) as refused:
        load_embedder(str(name), device="cpu")
    return str(refused.value).removeprefix(f"{name} cannot be loaded as an embedder: ")


def test_a_model_that_would_give_other_vectors_is_refused(copied):
    from safetensors.torch import load_file, save_file

    (copied / "modules.json").write_text('[{"type": "sentence_transformers.models.Dense"}]')
    assert refusal(copied) == "it has a step Dense, which prefmap does not take."
    (copied / "modules.json").unlink()
    (copied / "1_Pooling").mkdir()
    (copied / "1_Pooling" / "config.json").write_text(
        '{"pooling_mode_max_tokens": true, "pooling_mode_mean_tokens": true}'
    )
    assert refusal(copied) == "it pools its tokens by max_tokens and mean_tokens, and prefmap by mean or cls."
    shutil.rmtree(copied / "1_Pooling")
    weights = load_file(copied / "model.safetensors")
    del weights["encoder.layer.1.output.dense.weight"]
    save_file(weights, copied / "model.safetensors", metadata={"format": "pt"})
    assert refusal(copied) == (
        "it lacks weights, such as encoder.layer.1.output.dense.weight, and would get random ones."
    )


def test_a_folder_that_is_no_model_is_refused(copied, tmp_path):
    assert refusal(tmp_path) == "it has no config.json."
    assert refusal(tmp_path / "none") == "there is no such folder."
    (copied / "config.json").write_text(json.dumps({"model_type": "zebra"}))
    assert "zebra" in refusal(copied)


def test_the_extra_that_is_missing_is_named():
    code = (
        "import sys; sys.modules['transformers'] = None\n"
        "from engine.modelling.embeddings import load_embedder\n"
        "from engine.errors import ScorerRefusedError\n"
        "try:\n    load_embedder('any')\nexcept ScorerRefusedError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "An embedder needs torch and transformers. Install them: pip install 'prefmap[models]'\n"
