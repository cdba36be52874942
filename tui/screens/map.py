"""The map: all samples by variability and quality, as a cloud of dots or signs."""

from textual import on, work
from textual.app import ComposeResult

from engine.outcomes import VERDICTS
from tui.cloud import REGIONS, Cloud, MapView
from tui.keys import ANYWHERE, MAP, bind, footer
from tui.messages import CloudLoaded, SampleChosen
from tui.page import STACKED_COLUMNS, Row, Span
from tui.picture import COLOURINGS, LETTERS, SHOWN_SUSPICION, Colouring, Picture, UnderCursor, look, paint
from tui.plot import draw, fit, number
from tui.raster import RAMP
from tui.screens.base import SMALLEST, BaseScreen
from tui.screens.describe import fraction
from tui.terminal import Charset
from tui.widgets.page_view import PageView

"""Columns and rows below which no map is drawn."""

FRAME_ROWS = 5
"""Rows for other things than the map: heading, legend, cursor, notes and footer."""

NO_PLACES = "no sample has a place on the map yet: run prefmap score, then prefmap map"


class MapScreen(BaseScreen):
    """Shows where the samples lie; no verdict can be given here."""

    BINDINGS = bind(MAP, ANYWHERE)

    def compose(self) -> ComposeResult:
        yield PageView(id="body")

    def on_mount(self) -> None:
        self.cloud: Cloud | None = None
        self.view: MapView | None = None
        self.picture: Picture | None = None
        self.colouring: Colouring = "none"
        self.told = ""
        """What stands on the line for notes until the next key."""
        self.page("#body").rows = [self.heading("reading the map")]
        self.load_cloud()

    @work(thread=True, exclusive=True, exit_on_error=False)
    def load_cloud(self) -> None:
        store = self.session.store
        cuts = [cut for cut in store.cuts() if cut.scorer == store.map_scorer]
        self.post_message(CloudLoaded(Cloud.of(store.points(), cuts, self.session.verdicts())))

    @on(CloudLoaded)
    def show_cloud(self, message: CloudLoaded) -> None:
        """Show the whole map with the cursor on the sample that is being read."""
        self.cloud = message.cloud
        if self.cloud.is_empty:
            self.page("#body").rows = [self.heading("map"), [], [Span(self.fit(f" {NO_PLACES}", 0), "strong")]]
            return
        at = None if self.session.is_done else int(self.session.order[self.session.position])
        self.view = MapView(self.cloud.whole, self.cloud.place(at), columns=1, rows=1)
        self.paint()

    def on_resize(self) -> None:
        self.paint()

    def paint(self) -> None:
        """Draw the samples in view anew."""
        if self.cloud is None or self.view is None:
            return
        width, height = self.app.size
        self.view = fit(self.cloud, self.view, width, height - FRAME_ROWS)
        self.picture = paint(self.cloud, self.view, self.colouring, self.charset)
        self.draw()

    def draw(self) -> None:
        """Draw the cursor, and what is said of it."""
        if self.cloud is None or self.view is None or self.picture is None:
            return
        width, height = self.app.size
        if width < SMALLEST[0] or height < SMALLEST[1]:
            self.page("#body").rows = [[Span(f" {SMALLEST[0]} columns and {SMALLEST[1]} rows are needed")]]
            return
        axes = ["x variability  y quality"] if width >= STACKED_COLUMNS else []
        under = describe_cursor(look(self.cloud, self.picture, self.view), self.view, width)
        notes = self.told or describe_hidden(self.cloud, self.picture, self.view)
        rows = [
            self.heading(f"map of {len(self.cloud.x):,}", *axes),
            *draw(self.cloud, self.picture, self.view, width, self.colouring),
            legend(self.colouring, self.charset, width),
            [Span(self.fit(under, 0))],
            [Span(self.fit(f" {notes}", 0), "faint")],
            footer(MAP, width=width, keymap=self.settings.keymap),
        ]
        self.page("#body").rows = rows

    def action_move(self, right: int, down: int) -> None:
        self.told = ""
        if self.cloud is None or self.view is None:
            return
        before, self.view = self.view, self.view.moved(right, down, self.cloud.limits)
        if self.view.bounds == before.bounds:
            self.draw()
        else:
            self.paint()

    def action_zoom(self, factor: float) -> None:
        self.told = ""
        if self.cloud and self.view:
            self.view = self.view.zoomed(factor, self.cloud.limits)
            self.paint()

    def action_whole(self) -> None:
        self.told = ""
        if self.cloud and self.view:
            self.view = MapView(self.cloud.whole, self.view.at, self.view.columns, self.view.rows)
            self.paint()

    def action_colour(self) -> None:
        self.told = ""
        self.colouring = COLOURINGS[(COLOURINGS.index(self.colouring) + 1) % len(COLOURINGS)]
        self.paint()

    def action_open(self) -> None:
        """Go back and read the sample of highest suspicion under the cursor."""
        if self.cloud is None or self.view is None or self.picture is None:
            return
        ordinal = look(self.cloud, self.picture, self.view).likeliest
        if ordinal is None:
            self.told = "no sample is here: move the cursor to one"
            self.draw()
            return
        self.action_back()
        self.app.screen.post_message(SampleChosen(ordinal))


def describe_cursor(under: UnderCursor, view: MapView, width: int) -> str:
    """Say what is under the cursor, in fewer words where the terminal is narrow."""
    cell = view.cell_bounds
    variability = number(view.at[0] ** 2, cell.x_high**2 - cell.x_low**2)
    quality = number(view.at[1], cell.height)
    wide = width >= STACKED_COLUMNS
    place = f" variability {variability}  quality {quality}" if wide else f" {variability}, {quality}"
    if not under.samples:
        return f"{place}  no sample here"
    suspicion = f"{'median ' if wide else ''}suspicion {fraction(under.suspicion)}"
    return "  ".join([place, _count(under.samples, "sample"), suspicion, _count(under.verdicts, "verdict")])


def describe_hidden(cloud: Cloud, picture: Picture, view: MapView) -> str:
    """Say how many samples are not to be seen, and why."""
    hidden = {
        "out of view": cloud.count_outside(view.bounds),
        "under the cuts": picture.under_cuts,
        "without a place: too few scores": cloud.unplaced,
    }
    parts = [f"{count:,} {why}" for why, count in hidden.items() if count]
    return "hidden: " + ", ".join(parts) if parts else "every sample is in view"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def legend(colouring: Colouring, charset: Charset, width: int) -> Row:
    """Explain the signs of a colouring, in fewer words where the terminal is narrow."""
    wide = width >= STACKED_COLUMNS
    if colouring == "suspicion":
        below = f"; no digit: below {fraction(SHOWN_SUSPICION, 1)}" if wide else ""
        return [Span(f" digits: mean suspicion in tenths{below}", "faint")]
    if colouring == "region":
        places = zip(REGIONS, ("upper left", "right", "lower left"), strict=True)
        return [part for name, place in places for part in (Span(f" {name}", name), Span(f" {place} " * wide, "faint"))]
    if colouring == "verdict":
        words = ("  " if wide else " ").join(f"{LETTERS[verdict][0]} {verdict}" for verdict in VERDICTS)
        return [Span(f" {words}{', the commonest in the cell' * wide}", "faint")]
    cloud = "a dot: one sample or more" if charset.has_frames else f"few {''.join(RAMP[1:])} many (log)"
    return [Span(f" {cloud}   ", "faint"), Span(f"{charset.rule} {charset.bar} cuts", "cut")]
