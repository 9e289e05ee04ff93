"""Studies: what can be asked with many solves, with progress, stop and go on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from circflow.app.html import box, button, form, page
from circflow.app.project import Run
from circflow.app.state import App
from circflow.app.views.network import names_in
from circflow.app.views.parts import begin, choice, field, hidden, runs_table
from circflow.i18n import mark, say, say_in
from circflow.report.vocabulary import cell

KINDS = {
    "solve": (mark("Plan"), "/plan"),
    "evaluate": (mark("New plants"), "/plants"),
    "suggest": (mark("Suggestions"), "/suggestions"),
    "share": (mark("Cluster"), "/cluster"),
    "compare": (mark("Compare"), "/what-if"),
    "sweep": (mark("Sweep"), "/studies"),
    "sample": (mark("Sample"), "/studies"),
    "tornado": (mark("Tornado"), "/studies"),
    "pareto": (mark("Trade-off"), "/studies"),
    "alternatives": (mark("Alternatives"), "/studies"),
    "ranges": (mark("Ranges"), "/studies"),
    "indicators": (mark("Indicators"), "/studies"),
    "futures": (mark("Futures"), "/studies"),
    "finance": (mark("Public budgets"), "/studies"),
    "forms": (mark("Forms of the cluster"), "/studies"),
}
"""What can be run: what it is called, and under which step it stands."""
_STUDIES = {
    "sweep": mark("Values of figures, one line each, such as ADDRESS*=0.8:1.2:5"),
    "sample": mark("Random points of the sheet Ranges"),
    "tornado": mark("Every row of Ranges at its low and high"),
    "pareto": mark("What one more unit of the second goal costs of the first"),
    "alternatives": mark("Plans nearly as good that differ most"),
    "ranges": mark("How far each figure may move before the plan changes"),
    "indicators": mark("The plan against its baseline and targets"),
    "futures": mark("What to build before it is known which future comes"),
    "finance": mark("What the plan brings, by the sheet Taxes"),
    "forms": mark("The cluster as a conventional one, a digital one, an open ecosystem"),
}
"""What each study answers."""
_FIELDS: Mapping[str, Sequence[tuple[str, str, float]]] = {
    "sample": (("count", mark("Points"), 100), ("seed", mark("Seed"), 0)),
    "pareto": (("points", mark("Points"), 7),),
    "alternatives": (("within", mark("Within a share of the best of"), 0.01),),
    "futures": (("count", mark("Sampled from Ranges (0: the sheet Futures)"), 0),),
}
"""Numbers that a study asks for: name, words, what stands there."""
RESUMED = ("sweep", "sample", "tornado", "share")
"""Studies that go on where they stopped."""
OPTIONS = (
    *("vary", "study", "count", "seed", "held", "first", "second", "points", "within"),
    *("quick", "rates", "new"),
)
"""Options that a form may give."""


def place_of(kind: str) -> str:
    """The step under which a run stands."""
    return KINDS[kind][1] if kind in KINDS else "/studies"


def studies(app: App, query: Mapping[str, str]) -> str:
    """Every study, and every run."""
    body = "".join(
        f'<section class="study"><h2>{escape(name)}</h2><p>{escape(say(words))}</p>'
        f"{begin(kind, name, _fields(app, kind))}</section>"
        for kind, name, words in ((k, say(KINDS[k][0]), w) for k, w in _STUDIES.items())
    )
    body = f'<div class="cards">{body}</div>{runs_table(app, tuple(KINDS))}'
    return page(say("Studies"), body, project=app.project, at="/studies")


def _fields(app: App, kind: str) -> str:
    """What a study asks for."""
    book = app.project.book
    if kind == "sweep":
        named = [("", say("none")), *names_in(book, "Studies", "study")]
        return (
            f'<label for="vary">{say("Vary")}</label> '
            '<textarea id="vary" name="vary" rows="2" cols="50"></textarea> '
        ) + choice(say("or the study"), "study", named, of=kind)
    fields = "".join(
        field(say(words), name, value, of=kind) for name, words, value in _FIELDS.get(kind, ())
    )
    if kind == "pareto":
        pollutants = names_in(book, "EmissionLimits", "pollutant")
        names = ["value", "synergy", "jobs", "disposed"]
        names += [f"emission:{name}" for name, _ in pollutants]
        goals = [(name, cell("goal", name)) for name in names]
        return (
            choice(say("Between"), "first", goals, of=kind)
            + choice(say_in("between", "and"), "second", goals[2:] + goals[:2], of=kind)
            + fields
        )
    return fields + (box("held", say("decisions held")) if kind in ("sample", "tornado") else "")


def go_on(app: App, run: Run) -> str:
    """A button that goes on with a study where it stopped."""
    if run.kind not in RESUMED:
        return ""
    return form("/run", hidden(kind=run.kind, go_on=run.run) + button(say("Go on"), style="main"))
