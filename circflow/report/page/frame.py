"""The frame that every page shares: sections of texts, cards, tables and figures, in one file.

A page is a single HTML file that asks nothing of the network: style, script and plotly.js (packed)
stand in it, and a content security policy lets the browser run these two scripts and nothing else.
All text is escaped here; blocks take plain text. Tables are HTML and can be read without scripts.

    page = Page("What we compared", sections=[Section("Runs", [Table("All runs", frame)])])
    write(page, "runs.html")
"""

from __future__ import annotations

import base64
import functools
import gzip
import hashlib
import html
import json
import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from itertools import count
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import pandas as pd

from circflow.data.files.atomic import write_text
from circflow.data.files.json_text import jsonable
from circflow.i18n import current, localised, say
from circflow.report.numbers import BLANK, number, numbers, share
from circflow.report.sheets import kind_of, title
from circflow.report.vocabulary import cell

THIN = "\u202f"
"""Separates thousands."""
DASH = "–"
"""Stands for a figure that does not exist."""
MAX_ROWS = 500
"""Rows of a table on a page, unless said: more are for the results workbook."""

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]+")


def tidy(text: object) -> str:
    """Text as a page can hold it: one line, no control characters; "" for what does not exist."""
    if text is None or text is pd.NA or (isinstance(text, float) and math.isnan(text)):
        return ""
    return _CONTROL.sub(" ", str(text))


def escaped(text: object) -> str:
    """Text for HTML, in elements and in quoted attributes; also for labels that plotly draws."""
    return html.escape(tidy(text))


def figure(value: float | None) -> str:
    """A figure with three significant digits or more, thin spaces and a true minus."""
    return _typeset(number(value, THIN))


def percent(value: float | None) -> str:
    """A share as a percentage."""
    return _typeset(share(value, THIN))


def typeset(row: Mapping[Any, Any] | pd.Series[Any]) -> dict[str, str]:
    """The values of a row as they stand in a sentence, by column: shares as percentages."""
    return {str(name): _words(str(name), value) for name, value in row.items()}


def _words(name: str, value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return percent(value) if name.endswith("share") else figure(value)
    return tidy(value)


def sentences(message: str, frame: pd.DataFrame, **more: object) -> list[str]:
    """A message about every row of a table, as HTML; `more` is the same for all of them."""
    same = {name: escaped(value) for name, value in more.items()}
    names = [n for n in map(str, frame.columns) if f"{{{n}}}" in message and n not in same]
    texts = [[html.escape(_words(n, value)) for value in frame[n].tolist()] for n in names]
    rows = zip(*texts, strict=True)
    return [say(message, **dict(zip(names, row, strict=True)), **same) for row in rows]


def _typeset(text: str) -> str:
    """A figure with a true minus; a dash for one that does not exist."""
    return DASH if text == BLANK else text.replace("-", "−")


class Block(Protocol):
    """A part of a section."""

    def html(self, ids: count[int]) -> str:
        """The block's HTML; `ids` numbers what needs an id."""
        ...


@dataclass(frozen=True)
class Text:
    """A paragraph. `style`: lead (the answer), note (small print) or fault (a warning that must
    be seen)."""

    text: str
    style: Literal["", "lead", "note", "fault"] = ""

    def html(self, ids: count[int]) -> str:
        return f'<p class="{self.style}">{escaped(self.text)}</p>'


@dataclass(frozen=True)
class Heading:
    """A heading below the section's own."""

    text: str

    def html(self, ids: count[int]) -> str:
        return f"<h3>{escaped(self.text)}</h3>"


@dataclass(frozen=True)
class Card:
    """A headline figure: what, how much, in which unit; and what to compare it with."""

    title: str
    value: str | float | None
    """A text, a count as it is, or a figure with three significant digits or more."""
    unit: str
    compared: Mapping[str, str] = field(default_factory=dict)
    raw: float | None = None
    """The figure itself, unrounded, where the value is a text."""

    @property
    def shown(self) -> str:
        """The value as it stands on the page."""
        return str(self.value) if isinstance(self.value, str | int) else figure(self.value)

    def html(self, ids: count[int]) -> str:
        pairs = "".join(
            f"<dt>{escaped(k)}</dt><dd>{escaped(v)}</dd>" for k, v in self.compared.items()
        )
        exact = self.raw if isinstance(self.value, str) else self.value
        raw = "" if exact is None else f' data-v="{float(exact)!r}"'
        return (
            f'<div class="card"><h3>{escaped(self.title)}</h3>'
            f'<p class="big"{raw}>{escaped(self.shown)}</p><p class="unit">{escaped(self.unit)}</p>'
            + (f"<dl>{pairs}</dl>" if pairs else "")
            + "</div>"
        )


@dataclass(frozen=True)
class Cards:
    """Headline figures, or small multiples, side by side."""

    cards: Sequence[Block]

    def html(self, ids: count[int]) -> str:
        return f'<div class="cards">{"".join(card.html(ids) for card in self.cards)}</div>'


@dataclass(frozen=True)
class Points:
    """Main statements: what it is about, then the statement, of which `strong` is emphasised."""

    points: Sequence[tuple[str, str, str]]
    """(what, strong, rest)"""

    def html(self, ids: count[int]) -> str:
        items = "".join(
            f'<li><span class="what">{escaped(what)}</span>'
            f"<b>{escaped(strong)}</b> {escaped(rest)}</li>"
            for what, strong, rest in self.points
        )
        return f'<ul class="key">{items}</ul>'


@dataclass(frozen=True)
class Fold:
    """Blocks behind a line that opens them."""

    title: str
    blocks: Sequence[Block]

    def html(self, ids: count[int]) -> str:
        inner = "".join(block.html(ids) for block in self.blocks)
        return f'<details class="fold"><summary>{escaped(self.title)}</summary>{inner}</details>'


def first_of(blocks: Sequence[Block], most: int) -> list[Block]:
    """So many blocks, the others behind a line."""
    more = Fold(say("{count} more", count=len(blocks) - most), blocks[most:])
    return [*blocks[:most], *([more] if more.blocks else [])]


@dataclass(frozen=True)
class Assessment:
    """A card on one thing that is judged: its verdict, a sentence, figures, lines; more behind."""

    title: str
    verdict: tuple[str, Literal["", "good", "bad"]]
    sentence: str
    facts: Sequence[tuple[str, str]]
    lines: Sequence[str] = ()
    more: Sequence[str] = ()

    def html(self, ids: count[int]) -> str:
        word, style = self.verdict
        facts = "".join(
            f"<div><dt>{escaped(k)}</dt><dd>{escaped(v)}</dd></div>" for k, v in self.facts
        )
        lines, more = (
            "".join(f"<li>{escaped(line)}</li>" for line in some)
            for some in (self.lines, self.more)
        )
        return (
            f'<article class="judged"><h3>{escaped(self.title)} '
            f'<span class="verdict {style}">{escaped(word)}</span></h3>'
            f"<p>{escaped(self.sentence)}</p><dl>{facts}</dl>"
            + (f"<ul>{lines}</ul>" if lines else "")
            + (
                f"<details><summary>{say('everything found')}</summary><ul>{more}</ul></details>"
                if more
                else ""
            )
            + "</article>"
        )


@dataclass(frozen=True)
class Column:
    """A column of a table: how its values are shown."""

    name: str
    title: str
    kind: Literal["text", "path", "number", "share", "integer"] = "text"
    """path: names separated by ` > `."""
    unit: str = ""
    bar: bool = False
    """Show the size of the figures as bars."""


def columns_of(frame: pd.DataFrame, currency: str = "", table: str = "") -> tuple[Column, ...]:
    """Columns for a table as it comes, titles in words with their units."""
    columns = []
    for name in frame.columns:
        words, _, unit = title(table, str(name), frame, currency).partition(" (")
        kind = kind_of(table, str(name), frame[name])
        shown = "" if kind == "share" else unit.removesuffix(")")
        columns.append(Column(str(name), words, "text" if kind == "flag" else kind, shown))
    return tuple(columns)


@dataclass(frozen=True)
class Table:
    """A table that can be sorted and saved as CSV. Of long ones the first `shown` rows show."""

    caption: str
    frame: pd.DataFrame
    columns: tuple[Column, ...] = ()
    """Blank: every column of the frame, titled by its name."""
    note: str = ""
    shown: int = 12
    name: str = ""
    """Of the CSV file; blank: from the caption."""
    mark_first: bool = False
    most: int = MAX_ROWS
    empty: str = ""
    """What is said where there are no rows; blank: nothing at all is shown."""
    opens: Sequence[Mapping[str, object]] = ()
    """What each row is made of, for the app that frames the page: a site, a member, the cell of a
    limit (sheet, row, column), or the names of materials and units (`of`)."""

    def html(self, ids: count[int]) -> str:
        if self.frame.empty:
            return Text(self.empty, "note").html(ids) if self.empty else ""
        rows = min(len(self.frame), self.most)
        columns = self.columns or columns_of(self.frame)
        frame = self.frame.head(rows)
        cells = [_cells(column, frame[column.name]) for column in columns]
        lines = []
        for n, row in enumerate(zip(*cells, strict=True)):
            style = " more" if n >= self.shown else ""
            style += " first" if n == 0 and self.mark_first else ""
            mark = f' class="{style.strip()}"' if style else ""
            if n < len(self.opens):
                mark += f' data-open="{escaped(json.dumps(self.opens[n], ensure_ascii=False))}"'
            lines.append(f"<tr{mark}>{''.join(row)}</tr>")
        heads = "".join(map(_head, columns))
        note = f"<small>{escaped(self.note)}</small>" if self.note else ""
        name = re.sub(r"\W+", "-", self.name or self.caption).strip("-").lower() or "table"
        return (
            f'<div class="tablebox short" data-shown="{self.shown}" data-name="{escaped(name)}">'
            f'<div class="scroll"><table><caption>{escaped(self.caption)}{note}</caption>'
            f"<thead><tr>{heads}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
            f'<div class="below">{self._buttons(rows)}</div></div>'
        )

    def _buttons(self, rows: int) -> str:
        buttons = ""
        if rows > self.shown:
            more = say("show all {rows}", rows=figure(rows))
            buttons = (
                f'<button type="button" data-do="all" data-more="{more}"'
                f' data-fewer="{say("show fewer")}" aria-expanded="false">{more}</button>'
            )
        buttons += '<button type="button" data-do="csv">CSV</button>'
        if len(self.frame) > rows:
            words = say(
                "The first {rows} of {count} rows; the results workbook has all of them.",
                rows=figure(rows),
                count=figure(len(self.frame)),
            )
            buttons += f"<span>{words}</span>"
        return buttons


def _head(column: Column) -> str:
    unit = f'<span class="u">{escaped(column.unit)}</span>' if column.unit else ""
    style = "" if column.kind in ("text", "path") else ' class="n"'
    return (
        f'<th scope="col"{style}><button type="button">{escaped(column.title)}</button>{unit}</th>'
    )


def _cells(column: Column, values: pd.Series[Any]) -> list[str]:
    if column.kind in ("text", "path"):
        codes, unique = pd.factorize(values.astype(object))
        is_path = column.kind == "path"
        words = [_path(v) if is_path else escaped(_text(v, column.name)) for v in unique]
        look = "t p" if is_path else "t"
        cells = [f'<td class="{look}">{text}</td>' for text in [*words, ""]]
        return [cells[code] for code in codes]
    figures = pd.to_numeric(values, errors="coerce").astype(float).to_numpy()
    figures = np.where(np.isfinite(figures), figures, np.nan)
    if column.kind == "share":
        texts = [percent(v) for v in figures.tolist()]
    elif column.kind == "integer":
        texts = [DASH if math.isnan(v) else f"{v:.0f}" for v in figures]
    else:
        shown = zip(figures.tolist(), numbers(figures, THIN), strict=True)
        # A figure that would be 0 as its column shows it is shown by itself.
        texts = [figure(v) if v and not t.strip("-0.,") else _typeset(t) for v, t in shown]
    largest = np.nanmax(np.abs(figures)) if np.isfinite(figures).any() else 0.0
    width = np.abs(figures) / largest if largest > 0 else np.zeros(len(figures))
    cells = []
    for value, text, part in zip(figures.tolist(), texts, np.nan_to_num(width), strict=True):
        raw = "" if math.isnan(value) else repr(value)
        look = f'n bar" style="--w:{part:.3f}"' if column.bar else 'n"'
        cells.append(f'<td class="{look} data-v="{raw}">{text}</td>')
    return cells


def _text(value: object, column: str) -> object:
    """A value among texts: yes, no, a figure, or the text."""
    if isinstance(value, bool | np.bool_):
        return say("yes") if value else say("no")
    if isinstance(value, str):
        return cell(column, value)
    return figure(float(value)) if isinstance(value, float) else value


def _path(text: object) -> str:
    steps = [escaped(step) for step in cell("steps", tidy(text)).split(" > ")]
    return ' <span class="sep">›</span> '.join(steps)


@dataclass(frozen=True)
class Figure:
    """A figure drawn by plotly.js, with a choice of views.

    `views`: a plotly figure (`data`, `layout` with a `height`) for every combination of the
    options of `controls`, joined by `|`; with no controls, one view. Colours are tokens of the
    style sheet (`$blue`, `$mining/45` is 45 % opaque), so that they follow light and dark; labels
    must be `escaped`.
    """

    caption: str
    views: Mapping[str, Mapping[str, Any]]
    alt: str
    """What the figure shows, for those who do not see it."""
    note: str = ""
    controls: Sequence[tuple[str, Sequence[tuple[str, str]]]] = ()
    """(label, (option, its words)), the first option chosen."""
    legend: Sequence[tuple[str, str]] = ()
    """(colour token, words)"""

    def html(self, ids: count[int]) -> str:
        at = f"figure-{next(ids)}"
        height = max(int(view["layout"]["height"]) for view in self.views.values())
        note = f"<small>{escaped(self.note)}</small>" if self.note else ""
        keys = "".join(
            f'<li><i style="background:var(--c-{escaped(token[1:])})"></i>{escaped(words)}</li>'
            for token, words in self.legend
        )
        keys = f'<ul class="legend">{keys}</ul>' if keys else ""
        return (
            f'<figure data-figure="{at}-data" id="{at}"><figcaption>{escaped(self.caption)}{note}'
            f'</figcaption>{self._controls(at)}<p class="note chosen"></p>{keys}'
            f'<div class="plot" role="img" aria-label="{escaped(self.alt)}" '
            f'style="min-height:{height}px"></div>'
            f'<script type="application/json" id="{at}-data">{json_text({"views": self.views})}'
            "</script></figure>"
        )

    def _controls(self, at: str) -> str:
        fieldsets = []
        for n, (label, options) in enumerate(self.controls):
            inputs = "".join(
                f'<label><input type="radio" name="{at}-{n}" value="{escaped(value)}"'
                f"{' checked' if k == 0 else ''}>{escaped(words)}</label>"
                for k, (value, words) in enumerate(options)
            )
            fieldsets.append(f"<fieldset><legend>{escaped(label)}</legend>{inputs}</fieldset>")
        return f'<div class="controls">{"".join(fieldsets)}</div>' if fieldsets else ""


def json_text(content: Any) -> str:
    """JSON that can stand in a script element: what is not finite is null."""
    exact = jsonable(content, digits=6)
    text = json.dumps(exact, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text.encode("utf-8", "replace").decode()


@dataclass(frozen=True)
class Section:
    """A part of a page, with its place in the navigation; nothing at all without blocks."""

    title: str
    blocks: Sequence[Block | None]
    """What is None is not there to be drawn."""
    short: str = ""
    """Words for the navigation; blank: the title."""

    def html(self, ids: count[int]) -> tuple[str, str, str]:
        """The section's id, its words in the navigation and its HTML."""
        at = f"section-{next(ids)}"
        inner = "".join(block.html(ids) for block in self.blocks if block is not None)
        body = f'<section id="{at}"><h2>{escaped(self.title)}</h2>{inner}</section>'
        return at, self.short or self.title, body


def answer(lead: str | Text, cards: Iterable[Card] = (), *more: Block) -> Section:
    """The section with which the page of a study opens: a sentence, headline figures, more."""
    first = Text(lead, "lead") if isinstance(lead, str) else lead
    figures = [Cards(headlines)] if (headlines := list(cards)) else []
    return Section(say("The answer"), [first, *figures, *more], say("Answer"))


@dataclass(frozen=True)
class Page:
    """A page: a title, a line below it, marks (text, good or bad or neither), sections."""

    title: str
    sections: Sequence[Section]
    kind: str = ""
    """What sort of page it is: `Plan`, `Comparison` …"""
    subtitle: str = ""
    marks: Sequence[tuple[str, Literal["", "good", "bad"]]] = ()
    footer: str = ""
    """Blank: that the file holds everything it shows."""

    def html(self) -> str:
        """The whole file."""
        ids = count(1)
        parts = [section.html(ids) for section in self.sections if any(section.blocks)]
        body = "".join(html_ for *_, html_ in parts)
        links = "".join(f'<li><a href="#{at}">{escaped(words)}</a></li>' for at, words, _ in parts)
        marks = "".join(f'<li class="{style}">{escaped(words)}</li>' for words, style in self.marks)
        places, script = escaped(say("Sections")), _asset("page.js")
        footer = self.footer or say(
            "Made by circflow. This file holds everything it shows and asks nothing of the network."
        )
        allowed = [script]
        packed = ""
        if "data-figure=" in body:
            code, packed = library()
            allowed.append(code)
            packed = f'<script type="text/plain" id="library">{packed}</script>'
        return (
            f'<!DOCTYPE html><html lang="{current()}"'
            f' data-separators="{localised("0.5")[1]}{THIN}"><head><meta charset="utf-8">'
            f'<meta http-equiv="Content-Security-Policy" content="{_policy(allowed)}">'
            '<meta name="viewport" content="width=device-width,initial-scale=1">'
            '<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">'
            f"<title>{escaped(self.title)}</title><style>{_asset('page.css')}</style></head><body>"
            f'<header><div class="wide"><p class="kind">{escaped(self.kind)}</p>'
            f'<h1>{escaped(self.title)}</h1><p class="sub">{escaped(self.subtitle)}</p>'
            f'<ul class="chips">{marks}</ul></div></header>'
            f'<nav aria-label="{places}"><div class="wide"><ul>{links}</ul></div></nav>'
            f'<main class="wide">{body}</main>'
            f'<footer><div class="wide">{escaped(footer)}</div></footer>'
            f"{packed}<script>{script}</script></body></html>\n"
        )


def write(page: Page, path: str | os.PathLike[str]) -> None:
    """Write a page, whole or not at all. Raises OSError where `path` cannot be written."""
    write_text(Path(path), page.html())


@functools.cache
def _asset(name: str) -> str:
    return resources.files("circflow.report.page").joinpath("assets", name).read_text("utf-8")


@functools.cache
def library() -> tuple[str, str]:
    """plotly.js with the traces that pages draw (see tools/pack_plotly.py), and the same packed
    (gzip, base64)."""
    packed = resources.files("circflow.report.page").joinpath("assets", "plotly.js.gz").read_bytes()
    return gzip.decompress(packed).decode(), base64.b64encode(packed).decode("ascii")


def _policy(scripts: Sequence[str]) -> str:
    """The browser runs these scripts only and asks for nothing outside the page."""
    prints = (
        base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
        for script in scripts
    )
    run = " ".join(f"'sha256-{digest}'" for digest in prints)
    return (
        f"default-src 'none'; script-src {run}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
