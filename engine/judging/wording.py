"""What the shares of a judge card are called, and what they are shares of."""

SHARES = {
    "labels": "agrees with labels",
    "position_flips": "position flips",
    "first_wins": "shown first wins",
    "ties": "ties in a prompt",
    "longer_wins": "prefers longer",
    "longer_labelled": "labels prefer longer",
    "length_excess": "... the difference",
    "noise": "noise of one answer",
    "failures": "answers with no score",
    "unparsed": "... not readable",
}
UNITS = {
    **dict.fromkeys(("labels", "longer_wins", "longer_labelled", "length_excess", "ties"), "pairs"),
    **dict.fromkeys(("position_flips", "first_wins"), "comparisons"),
    "noise": "questions",
}
ANSWERS = "answers"
"""What the others are shares of."""
