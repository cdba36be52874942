"""Which well-known reward models learned from which datasets: a model agrees with labels that it has seen."""

import re
from collections.abc import Iterable

from engine.records import Sample

SOURCES = {
    "UltraFeedback": re.compile(r"ultra-?_?feedback", re.IGNORECASE),
    "HelpSteer": re.compile(r"help-?_?steer", re.IGNORECASE),
    "HH-RLHF": re.compile(r"hh-?_?rlhf|\bhh[-_.]|harmless-?_?base|helpful-?_?(base|online|rejection)", re.IGNORECASE),
    "Nectar": re.compile(r"nectar", re.IGNORECASE),
}
"""How the file or the source of a row names a dataset."""

MIXTURES = {
    "skywork-reward": ("UltraFeedback", "HelpSteer", "HH-RLHF"),
    "armorm": ("UltraFeedback", "HelpSteer", "HH-RLHF"),
    "fsfairx": ("UltraFeedback", "HelpSteer", "HH-RLHF"),
    "ultrarm": ("UltraFeedback", "HH-RLHF"),
    "eurus-rm": ("UltraFeedback",),
    "starling-rm": ("Nectar",),
    "reward-model-deberta": ("HH-RLHF",),
    "llama-3.1-nemotron-70b-reward": ("HelpSteer",),
}
"""By a part of the model's name, in lower case; derivatives of a dataset count as the dataset."""


def find_overlap(model: str, samples: Iterable[Sample]) -> list[str]:
    """Name the datasets that both the samples and the model's training data are known to hold."""
    learned = {source for part, sources in MIXTURES.items() if part in model.lower() for source in sources}
    if not learned:
        return []
    said = {text for sample in samples for text in (sample.file, sample.source)}
    return sorted(source for source in learned if any(SOURCES[source].search(text) for text in said))
