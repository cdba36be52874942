"""Run a model over many texts of many lengths: sorted by length, packed by tokens, halved when memory runs out."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from engine.modelling.encoding import Encoded
from engine.modelling.loading import need_models

WINDOW = 4096
"""Responses that are sorted by length together."""

NO_MEMORY = ("can't allocate memory", "not enough memory", "out of memory")

Key = TypeVar("Key")
Result = TypeVar("Result")

Run = Callable[[Sequence[Encoded]], Sequence[Result]]
Tell = Callable[[str], None]


def in_windows(items: Iterable[Key], size: int = WINDOW) -> Iterator[list[Key]]:
    """Cut a stream into lists."""
    stream = iter(items)
    while window := list(islice(stream, size)):
        yield window


def pack(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Pack places into batches of at most `budget` tokens, padding counted; the longest come first, one at least."""
    batch: list[int] = []
    for place in sorted(range(len(lengths)), key=lambda place: -lengths[place]):
        if batch and lengths[batch[0]] * (len(batch) + 1) > budget:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


class Batches:
    """Runs batches, and remembers how many tokens fit into the memory."""

    def __init__(self, budget: int, tell: Tell) -> None:
        self.budget, self.tell = budget, tell

    def run(self, items: Sequence[tuple[Key, Encoded]], run: Run[Result]) -> Iterator[tuple[Key, Result | None]]:
        """Give the result of each item as batches finish; None where even one alone does not fit."""
        waiting = [list(items)]
        while waiting:
            some = waiting.pop()
            batches = [
                [some[place] for place in batch] for batch in pack([len(one.ids) for _, one in some], self.budget)
            ]
            for number, batch in enumerate(batches):
                results = self._try(batch, run)
                if results is None:
                    waiting.append([item for later in batches[number:] for item in later])
                    break
                yield from zip((key for key, _ in batch), results, strict=True)

    def _try(self, batch: Sequence[tuple[Key, Encoded]], run: Run[Result]) -> Sequence[Result | None] | None:
        """Run a batch; None: it did not fit, and the budget is smaller now."""
        try:
            return run([one for _, one in batch])
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
        need_models()[0].cuda.empty_cache()
        if len(batch) == 1:
            return [None]
        self.budget = max(len(one.ids) for _, one in batch) * len(batch) // 2
        self.tell(f"Out of memory: going on with {self.budget:,} tokens a batch.")
        return None


def is_out_of_memory(error: RuntimeError) -> bool:
    torch, _ = need_models()
    return isinstance(error, torch.cuda.OutOfMemoryError) or any(said in str(error) for said in NO_MEMORY)


def pad(batch: Sequence[Encoded], pad_id: int, device: str) -> dict[str, Any]:
    """Make the tensors of a batch, each [batch, tokens], padded on the right."""
    torch, _ = need_models()
    longest = max(len(one.ids) for one in batch)
    gaps = [longest - len(one.ids) for one in batch]
    rows = {
        "input_ids": [one.ids + [pad_id] * gap for one, gap in zip(batch, gaps, strict=True)],
        "attention_mask": [[1] * len(one.ids) + [0] * gap for one, gap in zip(batch, gaps, strict=True)],
    }
    if batch[0].types is not None:
        rows["token_type_ids"] = [(one.types or []) + [0] * gap for one, gap in zip(batch, gaps, strict=True)]
    return {name: torch.tensor(values, device=device) for name, values in rows.items()}
