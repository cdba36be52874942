"""The map: all samples by quality and another axis, as a cloud of dots or signs."""

from dataclasses import replace

from textual import on, work
from textual.app import ComposeResult

from engine.pages.caption import describe_scorers
from tui.box import Box, members, stretch
from tui.cloud import Cloud
from tui.figure import make_figure
from tui.figure_files import write_figure
from tui.keys import ANYWHERE, MAP, bind, footer
from tui.legend import describe_box, describe_cursor, describe_hidden, legend, name_box
from tui.map_view import MapView
from tui.messages import BoxChosen, CloudLoaded, FigureWritten, FilterBegun, SampleChosen
from tui.page import STACKED_COLUMNS, Span
from tui.picture import COLOURINGS, Colouring, Picture, look, paint
from tui.plot import draw, fit
from tui.screens.base import SMALLEST, BaseScreen
from tui.widgets.page_view import PageView

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
        self.box: Box | None = None
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
        self.view = MapView(self.cloud.whole, self.cloud.place(self.at_hand), columns=1, rows=1)
        self.paint()

    @property
    def at_hand(self) -> int | None:
        """The sample that is being read."""
        return self.session.here

    def on_screen_resume(self) -> None:
        """Show the verdicts given since; all else is as it was left."""
        if self.cloud is None or self.view is None:
            return
        self.told = ""
        self.cloud = replace(self.cloud, verdict=self.session.verdicts())
        if self.box:
            self.box = stretch(self.cloud, self.box.start, self.box.end, is_open=self.box.is_open)
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
        """Draw the box and the cursor, and what is said of them."""
        if self.cloud is None or self.view is None or self.picture is None:
            return
        width, height = self.app.size
        if width < SMALLEST[0] or height < SMALLEST[1]:
            self.page("#body").rows = [[Span(f" {SMALLEST[0]} columns and {SMALLEST[1]} rows are needed")]]
            return
        if self.box and self.box.is_open:
            self.box = stretch(self.cloud, self.box.start, self.view.cell_bounds, is_open=True)
        axes = [f"x {self.cloud.axis.name}  y quality"] if width >= STACKED_COLUMNS else []
        under = describe_cursor(look(self.cloud, self.picture, self.view), self.cloud, self.view, width)
        notes = self.told or (describe_box(self.box) if self.box else describe_hidden(self.cloud, self.picture))
        rows = [
            self.heading(f"map of {len(self.cloud.x):,}", *axes),
            *draw(self.cloud, self.picture, self.view, width, self.colouring, self.charset, self.box),
            legend(self.cloud, self.colouring, self.charset, width),
            [Span(self.fit(under, 0))],
            [Span(self.fit(f" {notes}", 0), "strong" if self.told or self.box else "faint")],
            footer(MAP, width=width, keymap=self.settings.keymap),
        ]
        self.page("#body").rows = rows

    def tell(self, text: str) -> None:
        self.told = text
        self.draw()

    def show(self, view: MapView) -> None:
        """Show another view, or the same with the cursor elsewhere."""
        self.told = ""
        before, self.view = self.view, view
        if before and before.bounds == view.bounds:
            self.draw()
        else:
            self.paint()

    def action_move(self, right: int, down: int) -> None:
        if self.cloud and self.view:
            self.show(self.view.moved(right, down, self.cloud.limits))

    def action_zoom(self, factor: float) -> None:
        if self.cloud and self.view:
            self.show(self.view.zoomed(factor, self.cloud.limits))

    def action_whole(self) -> None:
        if self.cloud and self.view:
            self.show(replace(self.view, bounds=self.cloud.whole))

    def action_here(self) -> None:
        if self.cloud and self.view:
            there = replace(self.view, at=self.cloud.place(self.at_hand))
            self.show(there if there.holds_cursor else replace(there, bounds=self.cloud.whole))

    def action_colour(self) -> None:
        self.told = ""
        self.colouring = COLOURINGS[(COLOURINGS.index(self.colouring) + 1) % len(COLOURINGS)]
        self.paint()

    def action_axes(self) -> None:
        """Lay the map out by the next axis, the cursor staying on the likeliest mislabel that it was on."""
        if self.cloud is None or self.view is None or self.picture is None:
            return
        self.told = ""
        axes = self.cloud.axes
        if len(axes) == 1:
            self.tell(f"no sample has anything but {axes[0].name}")
            return
        at = look(self.cloud, self.picture, self.view).likeliest
        self.cloud = self.cloud.along(axes[(axes.index(self.cloud.axis) + 1) % len(axes)])
        self.box = None
        self.show(replace(self.view, bounds=self.cloud.whole, at=self.cloud.place(at)))

    def action_box(self) -> None:
        """Begin a box at the cursor, or end the one that is being stretched."""
        if self.cloud is None or self.view is None:
            return
        self.told = ""
        if self.box and self.box.is_open:
            self.box = self.box._replace(is_open=False)
        else:
            self.box = stretch(self.cloud, self.view.cell_bounds, self.view.cell_bounds, is_open=True)
        self.draw()

    def action_open(self) -> None:
        """Go back and read the box, or the sample of highest suspicion under the cursor."""
        if self.cloud is None or self.view is None or self.picture is None:
            return
        ordinal = look(self.cloud, self.picture, self.view).likeliest
        if self.box and not self.box.counts.samples:
            self.tell("no sample is in the box: stretch it, or leave it with q")
        elif self.box:
            chosen = BoxChosen(members(self.cloud, self.box), name_box(self.box, self.cloud))
            self.box = None
            self.app.pop_screen()
            self.app.screen.post_message(chosen)
        elif ordinal is None:
            self.tell("no sample is here: move the cursor to one")
        else:
            self.app.pop_screen()
            self.app.screen.post_message(SampleChosen(ordinal))

    def action_filter(self) -> None:
        """Go back, and go on with a filter: that of the box if there is one."""
        begun = name_box(self.box, self.cloud) if self.box and self.cloud else ""
        self.box = None
        self.app.pop_screen()
        self.app.screen.post_message(FilterBegun(begun))

    def action_back(self) -> None:
        """Leave the box first, the map second."""
        if self.box is None:
            self.app.pop_screen()
            return
        self.box, self.told = None, ""
        self.draw()

    def action_export(self) -> None:
        if self.cloud is None or self.view is None:
            return
        self.tell("writing the figure")
        self.write_figure(self.cloud, self.view, self.colouring)

    @work(thread=True, exit_on_error=False)
    def write_figure(self, cloud: Cloud, view: MapView, colouring: Colouring) -> None:
        """Write the view next to the project."""
        store = self.session.store
        project = store.path.parent.resolve()
        figure = make_figure(cloud, view, colouring, project.name, describe_scorers(store))
        zoomed = [] if view.bounds == cloud.whole else ["zoomed"]
        try:
            files = write_figure(
                figure, project.parent, project.stem, store.map_scorer, cloud.axis.name, colouring, *zoomed
            )
        except (ImportError, OSError) as error:
            self.post_message(FigureWritten(self.charset.show(f"the figure cannot be written: {error}")))
            return
        also = "".join(f" and {path.suffix}" for path in files[1:])
        self.post_message(FigureWritten(f"wrote {files[0].name}{also} next to the project"))

    @on(FigureWritten)
    def tell_of_figure(self, message: FigureWritten) -> None:
        self.tell(message.said)
