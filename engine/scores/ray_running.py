"""Running a scorer on a Ray cluster: actors score chunks of the work, this process alone writes the log."""

import os
import pickle
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any, NamedTuple
from weakref import finalize

from engine.errors import PrefmapError, RunnerError, ScorerRefusedError
from engine.records import Sample, Score
from engine.scorers.catalog import NamedScorer
from engine.scores.wanted import Ledger, Wanted

CHUNK_RESPONSES = 512
"""What a worker is given at a time, at most. What a dying one holds is scored again by another."""

COSTLY_CHUNK = 64
"""The same where each score costs money."""

FIRST_CHUNK = 16
CHUNKS_PER_WORKER = 4
"""No chunk is larger than a worker's share of the work before it, divided by this: no long wait for the last one."""

DIFFERS = (
    "{name} is another scorer on a worker (identity {own:.8}, here {here:.8}): its files or its model differ there."
)
CLUSTER_LOST = "What was scored is kept; run the same command again to go on."


class Chunk(NamedTuple):
    """A part of the work: samples, and what is known of their responses already."""

    samples: tuple[Sample, ...]
    ledger: Ledger
    is_whole: bool
    """As in Wanted."""


class Done(NamedTuple):
    """What a worker made of a chunk."""

    scores: list[Score]
    said: list[str]
    """Sentences for the person."""

    refusal: str
    """Why the scorer stopped for good; empty when it did not."""


@dataclass(frozen=True)
class RayRunner:
    """Runs a scorer on Ray; raises RunnerError at once where Ray is not installed."""

    address: str = ""
    """ray://HOST:PORT; empty: the cluster that RAY_ADDRESS names or this machine is part of, else a new one here."""

    workers: int = 1
    """How many processes hold the scorer, each one CPU."""

    gpus: float = 0.0
    """How many GPUs each of them has to itself; .5: two share one."""

    def __post_init__(self) -> None:
        _import_ray()

    def __call__(self, named: NamedScorer, wanted: Wanted) -> Iterator[Score]:
        """Yield scores as chunks are done; raises ScorerRefusedError and RunnerError."""
        if named.depends_on_dataset:
            raise ScorerRefusedError(f"{named.kind} depends on the whole dataset: run it without --on ray.")
        if wanted.budget is not None:
            raise ScorerRefusedError("Several workers cannot keep one --budget: run without --on ray, or use --limit.")
        told: set[str] = set()
        with closing(self._run(named, wanted)) as results:
            for done in results:
                yield from done.scores
                for sentence in done.said:
                    if sentence not in told:
                        told.add(sentence)
                        wanted.tell(sentence)
                if done.refusal:
                    raise ScorerRefusedError(done.refusal)

    def _run(self, named: NamedScorer, wanted: Wanted) -> Generator[Done, None, None]:
        ray = self._connect()
        try:
            gpus = ray.cluster_resources().get("GPU", 0)
            if gpus < self.gpus:
                wanted.tell(f"The cluster has {gpus:g} GPUs now; a worker waits until it gets {self.gpus:g}.")
            most = COSTLY_CHUNK if named.is_costly else CHUNK_RESPONSES
            pipeline = ray.remote(num_cpus=0)(Pipeline).remote(
                [ray.put(_pack(chunk)) for chunk in divide(wanted, self.workers, most)],
                (pickle.dumps(replace(named, scorer=replace(named.scorer))), named.identify("")),  # type: ignore[type-var]
                self,
            )
            while (results := ray.get(pipeline.next.remote())) is not None:
                yield from map(pickle.loads, results)
        except ray.exceptions.RayTaskError as error:
            raise RunnerError(f"A worker on Ray failed ({_last_line(error)}). {CLUSTER_LOST}") from error
        except (ray.exceptions.RayError, ConnectionError) as error:
            raise RunnerError(f"Ray ended the run ({_shorten(error)}). {CLUSTER_LOST}") from error
        finally:
            ray.shutdown()

    def _connect(self) -> Any:
        ray = _import_ray()
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            ray.init(address=self.address or None, log_to_driver=False, logging_level="error")
        except (ray.exceptions.RayError, ConnectionError, ValueError, RuntimeError) as error:
            where = self.address or os.environ.get("RAY_ADDRESS") or "this machine"
            raise RunnerError(f"Ray on {where} cannot be reached ({_shorten(error)}).") from error
        return ray


def divide(wanted: Wanted, workers: int, most: int) -> Iterator[Chunk]:
    """Cut the work into chunks of whole samples that grow to so many responses, so that all workers get some."""
    done = 0
    waiting: list[Sample] = []
    count = 0
    for sample in wanted:
        missing = sum(wanted.is_missing(one.response_id) for one in sample.responses)
        if not missing:
            continue
        waiting.append(sample)
        count += missing
        if count >= min(most, max(FIRST_CHUNK, done // (workers * CHUNKS_PER_WORKER))):
            yield _make_chunk(wanted, waiting)
            done += count
            waiting, count = [], 0
    if waiting:
        yield _make_chunk(wanted, waiting)


def _pack(chunk: Chunk) -> Any:
    """Make a block of one row of a chunk."""
    import pyarrow

    return pyarrow.table({"work": pyarrow.array([pickle.dumps(chunk)], pyarrow.large_binary())})


def _make_chunk(wanted: Wanted, samples: Sequence[Sample]) -> Chunk:
    known = wanted.ledger.only({one.response_id for sample in samples for one in sample.responses})
    return Chunk(tuple(samples), known, wanted.is_whole)


class Pipeline:
    """Drives Ray Data from inside the cluster, since it cannot be driven through ray://, and hands the results out."""

    def __init__(self, work: Sequence[Any], scorer: tuple[bytes, str], how: RayRunner) -> None:
        ray = _import_ray()
        ray.data.DataContext.get_current().enable_progress_bars = False
        scored = ray.data.from_arrow_refs(work).map_batches(
            Worker,
            fn_constructor_args=scorer,
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(size=how.workers),
            num_cpus=1,
            num_gpus=how.gpus or None,
        )
        self._results = iter(scored.iter_batches(batch_size=None, prefetch_batches=0))

    def next(self) -> list[bytes] | None:
        """Give the results of the chunks that are done next; None when all are."""
        batch = next(self._results, None)
        return None if batch is None else list(batch["done"])


class Worker:
    """Makes the scorer once and keeps it; what the scorer loads, it keeps itself."""

    def __init__(self, scorer: bytes, identity: str) -> None:
        self._named: NamedScorer = pickle.loads(scorer)
        self._folder = Path(mkdtemp(prefix="prefmap-"))
        finalize(self, rmtree, self._folder, ignore_errors=True)
        own = self._named.identify("")
        self._refusal = "" if own == identity else DIFFERS.format(name=self._named.name, own=own, here=identity)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        return {"done": [pickle.dumps(self._score(pickle.loads(one))) for one in batch["work"]]}

    def _score(self, chunk: Chunk) -> Done:
        return Done([], [], self._refusal) if self._refusal else score_chunk(self._named, chunk, self._folder)


def score_chunk(named: NamedScorer, chunk: Chunk, folder: Path) -> Done:
    """Score a chunk; where the scorer breaks, sample by sample, so that only those that break it have no score."""
    done = Done([], [], "")
    wanted = Wanted(chunk.samples, chunk.ledger, is_whole=chunk.is_whole, folder=folder, tell=done.said.append)
    try:
        broke = _ask(named, wanted, done.scores)
        for sample in chunk.samples if broke else ():
            if reason := _ask(named, replace(wanted, samples=(sample,)), done.scores):
                missing = [one.response_id for one in sample.responses if wanted.is_missing(one.response_id)]
                done.scores.extend(Score(one, None, reason) for one in dict.fromkeys(missing))
    except PrefmapError as error:
        return done._replace(refusal=str(error))
    return done


def _ask(named: NamedScorer, wanted: Wanted, scores: list[Score]) -> str:
    """Score what is wanted; say why the scorer broke, if it did."""
    try:
        for one in named.scorer(wanted):
            if wanted.lacks(one.response_id, one.part, one.number):
                scores.append(one)
                wanted.ledger.add(one)
    except PrefmapError:
        raise
    except Exception as error:  # noqa: BLE001 - a sample that breaks the scorer must not end the run of a cluster
        return f"the scorer broke: {_shorten(error)}"
    return ""


def _shorten(error: Exception) -> str:
    """Name an error and give its first line."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _last_line(error: Exception) -> str:
    """Give the cause of an error whose text is a traceback."""
    return str(error).strip().splitlines()[-1]


def _import_ray() -> Any:
    try:
        import pyarrow  # noqa: F401 - Ray Data needs it
        import ray
        import ray.data
    except ImportError as error:
        raise RunnerError(f"--on ray needs Ray Data ({error}). Install it: pip install 'prefmap[ray]'") from error
    return ray
