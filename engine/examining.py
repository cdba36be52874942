"""Examine: look for all that can be wrong with a project, and explain it. Nothing is written."""

from collections.abc import Iterable, Iterator

from engine.errors import PrefmapError
from engine.findings import files, review_logs, score_logs
from engine.findings.finding import Finding
from engine.project import Project
from engine.verdicts.steps import History


def examine(project: Project) -> list[Finding]:
    """List what was found, first what is wrong."""
    found = list(_look(project))
    return sorted(found, key=lambda one: not one.is_wrong)


def _look(project: Project) -> Iterator[Finding]:
    yield from _guard(files.check_access(project))
    sources = list(_guard(files.check_sources(project)))
    yield from sources
    yield from _guard(files.check_settings(project))
    yield from _guard(files.check_assignment(project))
    yield from _guard(files.check_leftovers(project))
    recorded = score_logs.read_extents(project)
    histories = []
    for path in project.review_logs():
        histories.append(History())
        yield from _guard(review_logs.check_log(path, histories[-1]))
    yield from _guard(review_logs.check_copies(project))
    yield from _guard(review_logs.check_extents(project, recorded.get("reviews", {})))
    for path in project.score_logs():
        yield from _guard(score_logs.check_log(path))
    yield from _guard(score_logs.check_extents(project, recorded.get("scores", {})))
    if not sources:
        yield from _guard(review_logs.check_verdicts(project, histories))
        yield from _guard(score_logs.check_identities(project))
        yield from _guard(score_logs.check_map(project))


def _guard(found: Iterable[Finding]) -> Iterator[Finding]:
    """Let one file that cannot be read stop one check, not all."""
    try:
        yield from found
    except OSError as error:
        yield Finding("unreadable", f"{error.filename or 'A file'} cannot be read: {error.strerror}.")
    except PrefmapError as error:
        yield Finding("unreadable", str(error))
