"""Build the wheel and the sdist, install the wheel with its base alone into an empty venv, and run it there."""

import argparse
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXTRAS = ("torch", "transformers", "trl", "ray", "matplotlib")
"""What the base must do without."""


def main() -> None:
    """Build, look into the archives, install, run."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument(
        "--smoke", action="store_true", help="lend the new venv the libraries of this one; no downloads"
    )
    smoke = options.parse_args().smoke
    with tempfile.TemporaryDirectory() as folder:
        wheel = build(Path(folder))
        python = install(wheel, Path(folder) / "venv", smoke=smoke)
        run(python, Path(folder), smoke=smoke)
    print("The release can be built, installed and run.")


def build(folder: Path) -> Path:
    """Make both archives and see what is in them; gives the wheel."""
    call(sys.executable, "-m", "hatchling", "build", "--directory", str(folder / "dist"), cwd=ROOT)
    (wheel,) = (folder / "dist").glob("*.whl")
    (sdist,) = (folder / "dist").glob("*.tar.gz")
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert tops == {"engine", "tui"}, f"the wheel has {sorted(tops)}"
    for wanted in ("engine/py.typed", "tui/app.tcss", "engine/sample_data/helpful_pairs.jsonl"):
        assert wanted in names, f"the wheel lacks {wanted}"
    with tarfile.open(sdist) as archive:
        held = {name.split("/", 1)[-1] for name in archive.getnames()}
    for wanted in ("README.md", "tests/conftest.py", "scripts/test", "sample_data/helpful_pairs.jsonl"):
        assert wanted in held, f"the sdist lacks {wanted}"
    print(f"{wheel.name}: {wheel.stat().st_size / 1e3:,.0f} kB, {sdist.name}: {sdist.stat().st_size / 1e3:,.0f} kB")
    return wheel


def install(wheel: Path, folder: Path, *, smoke: bool) -> Path:
    """Install the wheel into a venv of its own; gives its Python."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if smoke:
        (lent,) = {path for path in sys.path if path.endswith("site-packages")}
        (there,) = (folder / "lib").glob("python*/site-packages")
        (there / "lent.pth").write_text(lent + "\n")
        call(*pip, "--no-deps", "--no-index", "--ignore-installed", str(wheel))
    else:
        call(*pip, str(wheel))
    return python


def run(python: Path, folder: Path, *, smoke: bool) -> None:
    """Go through the work far from the clone."""
    away = folder / "away"
    away.mkdir()
    prefmap = str(python.parent / "prefmap")
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert call(prefmap, "--version", cwd=away) == f"prefmap {version}\n"
    where = "import engine, tui.demo as demo; print(engine.__file__); print(demo.find_sample_data())"
    package, data = call(str(python), "-c", where, cwd=away).split()
    assert package.startswith(str(folder)), f"engine comes from {package}"
    call(prefmap, "build", data, "-o", "pairs.prefmap", cwd=away)
    queue = json.loads(call(prefmap, "queue", "pairs.prefmap", "--limit", "1", "--json", cwd=away))
    call(prefmap, "verdict", "pairs.prefmap", queue["samples"][0]["sample_id"], "flip", cwd=away)
    call(prefmap, "export", "pairs.prefmap", "-o", "train.jsonl", cwd=away)
    call(prefmap, "verify", "train.jsonl", cwd=away)
    if not smoke:
        found = call(str(python), "-c", f"import importlib.util as i; print(*filter(i.find_spec, {EXTRAS}))").split()
        assert not found, f"the base installs {found}"


def call(*command: str, cwd: Path | None = None) -> str:
    """Run a command and give what it prints; where it fails, show everything and stop."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
