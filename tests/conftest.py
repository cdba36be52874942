"""Projects to test on, built by the real steps."""

import json
import os
import shutil
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import settings

from engine.importing import import_file
from engine.mapping import build_map
from engine.project import Project
from engine.scorers.catalog import make_scorer
from engine.scoring import score

os.environ.setdefault("OMP_NUM_THREADS", "1")
"""The tests share the processors among themselves: threads of torch that wait for each other make them slow."""

settings.register_profile("the same every time", derandomize=True)
settings.load_profile("the same every time")
"""A failure must come from what changed. `pytest --hypothesis-profile default` looks for new ones."""

for _number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, signal.SIG_DFL)
"""A shell that starts the tests in the background lets them ignore these, and so all that the tests start."""

LONG = ("test_readme.py", "test_experiment.py", "test_cli_ray.py", "test_walk_review.py")
"""They come first, so that no processor waits for one of them in the end."""

ROOT = Path(__file__).resolve().parent.parent

MakeProject = Callable[..., Project]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name not in LONG)


@pytest.fixture(scope="session")
def built_sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project of sample_data/helpful_pairs.jsonl, scored and mapped; to be copied, not written to."""
    project = Project(tmp_path_factory.mktemp("built") / "pairs.prefmap")
    import_file(project, ROOT / "sample_data" / "helpful_pairs.jsonl")
    score(project, make_scorer("crossfit", {}))
    build_map(project)
    return project.path


@pytest.fixture
def sample_project(built_sample: Path, tmp_path: Path) -> Project:
    """A copy of the sample project, for one test."""
    shutil.copytree(built_sample, tmp_path / "pairs.prefmap")
    return Project(tmp_path / "pairs.prefmap")


@pytest.fixture
def install_plug_in(tmp_path: Path) -> Callable[[str, str, str], dict[str, str]]:
    """Install a package with one scorer, as pip leaves it; gives the environment of processes that find it."""

    def install(package: str, code: str, entry_point: str) -> dict[str, str]:
        site = tmp_path / "site"
        info = site / f"{package}-1.0.dist-info"
        info.mkdir(parents=True)
        (site / f"{package}.py").write_text(code, encoding="utf-8")
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n", encoding="utf-8")
        (info / "entry_points.txt").write_text(f"[prefmap.scorers]\n{entry_point}\n", encoding="utf-8")
        return {**os.environ, "PYTHONPATH": os.pathsep.join((str(site), str(ROOT)))}

    return install


@pytest.fixture
def make_project(tmp_path: Path) -> MakeProject:
    """Make a mapped project of rows, scored by the column `score` where the rows have one."""

    def make(rows: Sequence[object], *, specs: Sequence[str] = (), name: str = "pairs") -> Project:
        file = tmp_path / f"{name}.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        project = Project(tmp_path / f"{name}.prefmap")
        import_file(project, file)
        for spec in specs:
            score(project, make_scorer(spec, {}))
        build_map(project)
        return project

    return make
