"""What the signals of a terminal do to the app: a hang-up ends it, and it comes back only from where it went."""

import signal
from asyncio import get_running_loop
from collections.abc import Callable
from types import FrameType


def obey(leave: Callable[[], None], repaint: Callable[[], object]) -> None:
    """Leave on SIGTERM and SIGHUP, and paint again when the process goes on; to be called once Textual has started.

    On SIGCONT Textual takes the terminal up again, with threads of its own, as it must after SIGTSTP. But SIGCONT also
    follows SIGSTOP, and each hang-up: then the old threads are still there, and of two that read one would never end.
    """
    loop = get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, leave)
    suspend, resume = signal.getsignal(signal.SIGTSTP), signal.getsignal(signal.SIGCONT)
    if not (callable(suspend) and callable(resume)):
        return
    is_suspended = False

    def on_suspend(number: int, frame: FrameType | None) -> None:
        nonlocal is_suspended
        is_suspended = True
        suspend(number, frame)

    def on_continue(number: int, frame: FrameType | None) -> None:
        nonlocal is_suspended
        if is_suspended:
            is_suspended = False
            resume(number, frame)
        elif not loop.is_closed():
            loop.call_soon_threadsafe(repaint)

    signal.signal(signal.SIGTSTP, on_suspend)
    signal.signal(signal.SIGCONT, on_continue)
