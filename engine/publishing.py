"""Publishing: put a finished export on the Hugging Face hub, with its manifest and a card."""

import json
import re
from pathlib import Path
from typing import Any

from engine.errors import PushRefusedError
from engine.exports.cards import write_card
from engine.exports.manifests import manifest_of

HUB = "hf:"
NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
CARD = "README.md"
EXISTS = 409
STAYS = "The export stays in {}; the same command with --force tries again."

ANSWERS = {
    401: "the hub does not accept the login. Run `hf auth login`, or set HF_TOKEN",
    403: "the login may not write there. Choose another owner, or a token that may write",
    404: "the hub does not know that owner, or the login may not see it",
    EXISTS: "there is a dataset of that name. Choose another name, or say --force to replace its files",
}
"""What the hub's refusals mean, by HTTP status."""


def check_push(target: str) -> str:
    """Give the name behind `hf:` once all is there to push to it. Raises PushRefusedError."""
    name = target.removeprefix(HUB)
    if not target.startswith(HUB) or not NAME.fullmatch(name):
        raise PushRefusedError(f"--push takes hf:owner/name, not {target}.")
    try:
        from huggingface_hub import get_token
    except ImportError:
        raise PushRefusedError(
            "--push needs the library `huggingface_hub`. Install it: pip install huggingface_hub"
        ) from None
    if not get_token():
        raise PushRefusedError("--push needs a login to the hub. Run `hf auth login`, or set HF_TOKEN.")
    return name


def publish(name: str, output: Path, *more: Path, is_public: bool, force: bool, quiet: bool = True) -> str:
    """Upload an export, all parts and their manifests in one commit, and give its address.

    Raises PushRefusedError with the reason; nothing is then changed here, and a new dataset there may be empty.
    """
    from huggingface_hub import CommitOperationAdd, HfApi, utils

    if quiet:
        bars: Any = utils
        bars.disable_progress_bars()
    manifest = _read(output)
    parts = [output, *([output.with_name(manifest["other_part"]["file"])] if "other_part" in manifest else [])]
    card = write_card(manifest, *map(_read, parts[1:]))
    files = {path.name: path for part in parts for path in (part, manifest_of(part))} | {one.name: one for one in more}
    hub = HfApi()
    try:
        address = _create(hub, name, is_public=is_public, force=force)
        add: Any = CommitOperationAdd
        operations = [add(file, str(path)) for file, path in files.items()]
        hub.create_commit(
            name,
            [*operations, add(CARD, card.encode())],
            commit_message=f"Upload {output.name}",
            repo_type="dataset",
        )
    except PushRefusedError:
        raise
    except Exception as error:
        raise PushRefusedError(f"{HUB}{name}: {_explain(error)}. {STAYS.format(output)}") from error
    return address


def _read(part: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads(manifest_of(part).read_text(encoding="utf-8"))
    return manifest


def _create(hub: Any, name: str, *, is_public: bool, force: bool) -> str:
    """Make the dataset; one that exists is taken by force alone, and only as it is: public or private."""
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return str(hub.create_repo(name, repo_type="dataset", private=not is_public))
    except HfHubHTTPError as error:
        if _status(error) != EXISTS or not force:
            raise
    if hub.dataset_info(name).private == is_public:
        found = "private" if is_public else "public"
        raise PushRefusedError(f"{HUB}{name} is {found}: nothing was uploaded. To push there, say --{found}.")
    return f"{hub.endpoint}/datasets/{name}"


def _explain(error: BaseException) -> str:
    status = _status(error)
    if status:
        return ANSWERS.get(status, f"the hub answered with status {status}. Try again later")
    lines = str(error).strip().splitlines()
    return f"the hub cannot be reached, or it failed ({_without_token(lines[0] if lines else type(error).__name__)})"


def _status(error: BaseException | None) -> int:
    """Find the HTTP status in an error or what caused it; 0: there is none."""
    if error is None:
        return 0
    return getattr(getattr(error, "response", None), "status_code", 0) or _status(error.__cause__)


def _without_token(text: str) -> str:
    from huggingface_hub import get_token

    return text.replace(get_token() or "\0", "***")
