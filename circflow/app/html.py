"""The frame of the app's pages, of one family with the pages of plans."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable, Sequence
from html import escape
from importlib import resources
from importlib.resources.abc import Traversable

from circflow.app.project import Project
from circflow.i18n import current, mark, say, say_n

STEPS = (
    ("/", mark("Workbook")),
    ("/check", mark("Check")),
    ("/tables", mark("Tables")),
    ("/solve", mark("Solve")),
    ("/plan", mark("Plan")),
    ("/what-if", mark("What if")),
    ("/plants", mark("New plants")),
    ("/suggestions", mark("Suggestions")),
    ("/cluster", mark("Cluster")),
    ("/studies", mark("Studies")),
    ("/take-away", mark("Take away")),
)
"""The work, in the order in which it is done."""


_HERE = ' aria-current="page"'


def page(title: str, body: str, *, project: Project | None, at: str = "") -> str:
    """A whole page. `body` is HTML; titles and names are escaped here."""
    steps = STEPS if project is not None else STEPS[:1]
    links = "".join(
        f'<li><a href="{path}"{_HERE if path == at else ""}>{escape(say(words))}</a></li>'
        for path, words in steps
    )
    name = escape(project.name) if project is not None else say("no workbook is open")
    state = _state(project) if project is not None else ""
    return (
        "<!DOCTYPE html>"
        f'<html lang="{current()}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">'
        f"<title>{escape(title)} · circflow</title>"
        f'<link rel="stylesheet" href="{_address("page.css")}">'
        f'<link rel="stylesheet" href="{_address("app.css")}"></head>'
        f'<body class="app" data-messages="{escape(_messages())}">'
        '<a class="skip" href="#main">' + say("to the content") + "</a>"
        f'<header class="bar"><div class="wide"><p class="kind">circflow</p>'
        f'<p class="book"><b>{name}</b> {state}</p></div></header>'
        f'<nav aria-label="{escape(say("Steps"))}"><div class="wide"><ul>{links}</ul></div></nav>'
        f'<main class="wide" id="main"><h1>{escape(title)}</h1>{body}</main>'
        '<div id="live" role="status" aria-live="polite"></div>'
        f'<script src="{_address("app.js")}" defer></script></body></html>'
    )


def asset(name: str) -> Traversable:
    """A script or style sheet of the app's pages, which need not be there."""
    home = "circflow.report.page" if name in ("page.css", "page.js") else "circflow.app"
    return resources.files(home).joinpath("assets", name)


@functools.cache
def _address(name: str) -> str:
    """Where a browser finds an asset, which it keeps: another one has another address."""
    return f"/assets/{name}?{hashlib.sha256(asset(name).read_bytes()).hexdigest()[:12]}"


def _messages() -> str:
    """What the page's script says, in the page's language."""
    return json.dumps(
        {
            "better": say(" (did you mean {text}?)"),
            "lost": say("the change could not be kept"),
            "count": say("{errors} errors, {warnings} warnings"),
            "from": say("from {site}"),
            "to": say("to {site}"),
            "plan": say("{worth} million ({change}), {used} % of waste used, {jobs} jobs"),
        },
        ensure_ascii=False,
    )


def _state(project: Project) -> str:
    count = len({edit.step for edit in project.edits})
    words = say_n("{n} unsaved change", "{n} unsaved changes", count)
    return f'<span class="soft">{words}</span>' if count else ""


def form(action: str, inner: str, *, upload: bool = False) -> str:
    """A form that posts."""
    kind = ' enctype="multipart/form-data"' if upload else ""
    return f'<form method="post" action="{escape(action)}"{kind}>{inner}</form>'


def button(words: str, *, name: str = "", value: str = "", style: str = "", title: str = "") -> str:
    """A button that submits its form; its accessible name is `title` or its words."""
    extra = f' name="{escape(name)}" value="{escape(value)}"' if name else ""
    label = f' aria-label="{escape(title)}"' if title else ""
    kind = f' class="{style}"' if style else ""
    return f'<button type="submit"{extra}{label}{kind}>{escape(words)}</button>'


def html_table(head: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str) -> str:
    """A table of cells that are HTML already; `head` is text."""
    heads = "".join(f'<th scope="col">{escape(h)}</th>' for h in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f"<table><caption>{escape(caption)}</caption><thead><tr>"
        f"{heads}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def link(address: str, words: str) -> str:
    """A link; `words` are text."""
    return f'<a href="{escape(address)}">{escape(words)}</a>'


def box(name: str, words: str) -> str:
    """A box to tick."""
    inner = f'<input type="checkbox" name="{name}" value="yes"> {escape(words)}'
    return f"<label>{inner}</label> "


def html_options(choices: Iterable[tuple[str, str]]) -> str:
    """The options of a drop-down list: values and words."""
    return "".join(f'<option value="{escape(v)}">{escape(w)}</option>' for v, w in choices)


def section(title: str, inner: str) -> str:
    """A part of a page; `title` is text, `inner` is HTML."""
    return f"<section><h2>{escape(title)}</h2>{inner}</section>"


def note(text: str, style: str = "note") -> str:
    """A paragraph of small print, or (`fault`) of warning."""
    return f'<p class="{style}">{escape(text)}</p>'


def card(title: str, lead: str, inner: str) -> str:
    """A card on one thing; `title` is text, `lead` and `inner` are HTML."""
    head = f'<h2>{escape(title)}</h2><p class="lead">{lead}</p>'
    return f'<article class="card">{head}{inner}</article>'


def bullets(items: Iterable[str], style: str = "") -> str:
    """A list of items that are HTML; nothing without any."""
    inner = "".join(f"<li>{item}</li>" for item in items)
    return f'<ul class="{style}">{inner}</ul>' if inner else ""
