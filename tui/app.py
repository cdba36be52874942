"""The app: a door to the screens."""

from collections.abc import Iterable
from functools import partial
from typing import Any, ClassVar

from rich.text import Text
from textual.app import App, SystemCommand
from textual.events import Event, Key, Paste
from textual.screen import Screen

from engine.errors import PrefmapError
from tui.dialogs.line import LineDialog
from tui.screens.review import ReviewScreen
from tui.session import Session
from tui.settings import Settings
from tui.signals import obey
from tui.terminal import Charset
from tui.theme import THEMES


class ReviewApp(App[None]):
    """Shows one session. Whatever ends it, the logs are whole."""

    CSS_PATH = "app.tcss"
    TITLE = "prefmap"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar = []

    def __init__(self, session: Session, charset: Charset, settings: Settings | None = None) -> None:
        super().__init__()
        self.session = session
        self.charset = charset
        self.settings = settings or Settings()
        self.key_time = 0.0
        """When the last key was read, in seconds of the monotonic clock; it may have waited since."""

    def on_mount(self) -> None:
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = self.settings.theme
        self.set_keymap(self.settings.keymap)
        obey(self.exit, self.repaint)
        self.app_resume_signal.subscribe(self, self.repaint)
        self.push_screen(ReviewScreen(self.session, self.charset))

    async def on_event(self, event: Event) -> None:
        """Note when a key was read; make a pasted text visible: it may come from a sample, whoever types it sees."""
        if isinstance(event, Key):
            self.key_time = event.time
        if isinstance(event, Paste):
            event.text = self.charset.show(event.text)
        await super().on_event(event)

    def on_key(self, event: Key) -> None:
        """Give a line that was just opened what nobody else took."""
        if isinstance(self.screen, LineDialog) and event.character and event.is_printable:
            self.screen.add(event.character)
            event.prevent_default()

    def on_paste(self, event: Paste) -> None:
        """Likewise what was pasted: it went to the screen that was there when it came, behind the key that opens."""
        if isinstance(self.screen, LineDialog):
            self.screen.add(event.text.partition("\n")[0])

    def _handle_exception(self, error: Exception) -> None:
        """End on an expected failure with its sentence, wherever it came up; what was decided is in the log."""
        if isinstance(error, PrefmapError):
            self.panic(Text(f"prefmap: {self.charset.show(str(error))}"))
            self._return_code = 1
        else:
            super()._handle_exception(error)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """List what the keys of this screen do, for the palette."""
        for binding in {one.binding.id: one.binding for one in screen.active_bindings.values()}.values():
            if binding.id and not binding.action.startswith("choose"):
                yield SystemCommand(binding.description, binding.id, partial(screen.run_action, binding.action))

    def repaint(self, _: object = None) -> None:
        """Paint again: after ctrl+z and fg the terminal is blank."""
        self.screen.refresh(layout=True)
