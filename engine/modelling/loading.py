"""Load models and tokenizers with transformers, and refuse those whose numbers would mean nothing."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from hashlib import blake2b
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

from engine.errors import ScorerRefusedError

COMMIT = re.compile(r"[0-9a-f]{40}")
FILES = ("*.safetensors", "*.bin", "*.json", "*.jinja", "*.model", "*.txt", "*.py")
"""What a model folder consists of."""

DTYPES = ("float32", "bfloat16", "float16")

LOADING_FAILS = (OSError, ValueError, ImportError, KeyError, RuntimeError, AttributeError)
"""What transformers raises where a model is missing, damaged, unknown to it, or needs another package."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a model comes from."""

    model: str
    """A hub name, a folder, or a .gguf file in either."""

    revision: str = ""
    """Branch, tag or commit of a hub name; empty: its main branch."""

    trust_remote_code: bool = False
    """Run the code that the model brings; a hub name must then be pinned to a commit."""

    def __post_init__(self) -> None:
        if self.trust_remote_code and not (COMMIT.fullmatch(self.revision) or self.is_local):
            raise ScorerRefusedError(
                f"{self.model}: trust_remote_code runs its code, so pin what you have read: revision=COMMIT, 40 digits."
            )
        if self.model.startswith(("/", "./", "../", "~")) and not self.is_local:
            raise ScorerRefusedError(f"There is no model at {self.model}. Give a folder, or the name of a hub model.")

    @property
    def folder(self) -> str:
        place = self.model.rpartition("/")[0] or "." if self.gguf_file else self.model
        return str(Path(place).expanduser()) if place.startswith("~") else place

    @property
    def gguf_file(self) -> str | None:
        return self.model.rpartition("/")[2] if self.model.endswith(".gguf") else None

    @property
    def is_local(self) -> bool:
        return Path(self.folder, self.gguf_file or "").exists()

    @property
    def arguments(self) -> dict[str, Any]:
        """Give what every from_pretrained takes."""
        gguf = {"gguf_file": self.gguf_file} if self.gguf_file else {}
        shared = {"revision": self.revision or "main", "trust_remote_code": self.trust_remote_code}
        return {"pretrained_model_name_or_path": self.folder, **shared, **gguf}


class Place(NamedTuple):
    """Where a model runs, and in which numbers."""

    device: str
    dtype: str


def choose_place(device: str, dtype: str) -> Place:
    """Fill in what was left empty: the GPU where there is one, and bfloat16 there; float32 on a CPU."""
    torch, _ = need_models()
    if dtype and dtype not in DTYPES:
        raise ScorerRefusedError(f"dtype is {dtype!r}; it may be {', '.join(DTYPES)}.")
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ScorerRefusedError(f"This machine has no device {device!r}: {_first_line(error)}") from error
    return Place(device, dtype or ("float32" if device == "cpu" else "bfloat16"))


def need_models() -> tuple[Any, Any]:
    """Import torch and transformers, or say what to install."""
    try:
        import torch
        import transformers
    except ImportError as error:
        raise ScorerRefusedError(
            f"This scorer needs {error.name}. Install it: pip install 'prefmap[models]'"
        ) from error
    return torch, transformers


def load_tokenizer(origin: Origin) -> Any:
    """Load a fast tokenizer: a slow one does not say where its tokens stand in the text."""
    _, transformers = need_models()
    with _sentences(origin):
        tokenizer = transformers.AutoTokenizer.from_pretrained(**origin.arguments)
    if not tokenizer.is_fast:
        raise ScorerRefusedError(f"{origin.model} has no fast tokenizer (tokenizer.json), and prefmap needs one.")
    return tokenizer


def load_config(origin: Origin) -> Any:
    _, transformers = need_models()
    with _sentences(origin):
        return transformers.AutoConfig.from_pretrained(**origin.arguments)


def load_classifier(origin: Origin, config: Any, place: Place, attention: str) -> Any:
    """Load a model with a head of one value; raises ScorerRefusedError when the head has none or several."""
    _, transformers = need_models()
    more = {"num_labels": 1, "ignore_mismatched_sizes": True, **_choose_attention(origin, config, attention)}
    return _load(transformers.AutoModelForSequenceClassification, origin, place, more)


def load_language_model(origin: Origin, config: Any, place: Place, attention: str) -> Any:
    """Load a causal language model."""
    _, transformers = need_models()
    return _load(transformers.AutoModelForCausalLM, origin, place, _choose_attention(origin, config, attention))


def _load(loader: Any, origin: Origin, place: Place, more: Mapping[str, object]) -> Any:
    torch, _ = need_models()
    with _sentences(origin):
        model, report = loader.from_pretrained(
            **origin.arguments, **more, dtype=getattr(torch, place.dtype), output_loading_info=True
        )
    _check_weights(origin, report)
    return model.eval().to(place.device)


def _choose_attention(origin: Origin, config: Any, wanted: str) -> dict[str, object]:
    """Capped attention scores (Gemma 2) exist in eager and flash attention; sdpa leaves the cap out."""
    is_capped = getattr(config.get_text_config(), "attn_logit_softcapping", None)
    if is_capped and wanted == "sdpa":
        raise ScorerRefusedError(f"{origin.model} caps its attention scores, and sdpa does not: use attention=eager.")
    chosen = wanted or ("eager" if is_capped else "")
    return {"attn_implementation": chosen} if chosen else {}


def _check_weights(origin: Origin, report: Mapping[str, Any]) -> None:
    """Refuse random weights: transformers fills what a checkpoint lacks, and only warns."""
    for name, found, _ in report["mismatched_keys"]:
        raise ScorerRefusedError(
            f"{origin.model} is no reward model with one value: its {name} has the shape {tuple(found)}."
        )
    missing = sorted(report["missing_keys"])
    if missing:
        raise ScorerRefusedError(
            f"{origin.model} lacks the weights of {', '.join(missing[:3])}{' ...' if len(missing) > 3 else ''},"
            " so its values would be random: it is not a model of this kind."
        )


def fingerprint(origin: Origin, config: Any) -> str:
    """Say which weights these are: the commit of a hub model, the hash of the files of a folder."""
    if not origin.is_local:
        return str(getattr(config, "_commit_hash", None) or origin.revision)
    folder = Path(origin.folder)
    names = [origin.gguf_file] if origin.gguf_file else FILES
    digest = blake2b(digest_size=8)
    for path in sorted({path for name in names for path in folder.glob(name)}):
        digest.update(path.name.encode() + b"\0" + path.stat().st_size.to_bytes(8, "big"))
        with path.open("rb") as file:
            while block := file.read(1 << 24):
                digest.update(block)
    return digest.hexdigest()


@contextmanager
def _sentences(origin: Origin) -> Iterator[None]:
    """Keep transformers quiet, and turn what it raises into one sentence."""
    logging: Any = import_module("transformers.utils.logging")

    verbosity, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        # Reading a .gguf file draws a bar of its own.
        with redirect_stderr(StringIO()):
            yield
    except LOADING_FAILS as error:
        if "trust_remote_code" in str(error):
            raise ScorerRefusedError(
                f"{origin.model} brings code of its own. If you have read and trust it, add"
                " trust_remote_code=true&revision=COMMIT; its head must give one value (that of ArmoRM does not)."
            ) from error
        raise ScorerRefusedError(f"{origin.model} cannot be loaded: {_first_line(error)}") from error
    finally:
        logging.set_verbosity(verbosity)
        if bar:
            logging.enable_progress_bar()


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
