"""What the options of a figure may be; nothing heavy is imported for it."""

from typing import Literal, get_args

Style = Literal["continuous", "binned", "regions"]
STYLES: tuple[Style, ...] = get_args(Style)
Colour = Literal["correlation", "suspicion", "margin"]
COLOURS: tuple[Colour, ...] = get_args(Colour)
