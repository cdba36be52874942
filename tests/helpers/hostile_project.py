"""A project whose texts and names all try to break out of the page that tells of it."""

from engine.logs import Log
from engine.mapping import build_map
from engine.reviewing import Review
from engine.sources import SourceReader

HOSTILE = "</script></title><script>document.title='broken'</script><img src=x onerror=\"document.title='broken'\">"
TRICKS = ("'\"><b>", "\u202egnp.exe", "]]>", "<!--", "&lt;", "{{7*7}}", "\x1b[31m", "\u2028")


def make_hostile(make_project):
    """Make 12 pairs in four sources, scored by a scorer with a hostile name and model, with a verdict and a note."""
    rows = [
        {"prompt": f"{HOSTILE} {n}", "chosen": HOSTILE * 2, "rejected": f"{n} {TRICKS[n % 8]}",
         "source": TRICKS[n % 4] + HOSTILE}
        for n in range(12)
    ]  # fmt: skip
    project = make_project(rows, name="a'b\"<i>&")
    samples = list(SourceReader(project))
    header = {"kind": "header", "scorer": HOSTILE, "type": HOSTILE, "identity": "h", "versions": {HOSTILE: HOSTILE},
              "parameters": {"model": HOSTILE, "revision": TRICKS[1], HOSTILE: HOSTILE}}  # fmt: skip
    with Log(project.scores / "hostile.jsonl") as log:
        responses = [one.response_id for sample in samples for one in sample.responses]
        log.append(header, *({"response": one, "value": n * 0.7 % 1} for n, one in enumerate(responses[:-1])))
        log.append({"response": responses[-1], "value": None, "reason": HOSTILE, "final": False})
    review = Review(project, "kim")
    review.give(samples[0], "flip", note=HOSTILE)
    review.close()
    build_map(project)
    return project
