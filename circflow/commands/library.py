"""library: list, search, show, check and write a library of technologies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

import circflow as cf
from circflow.commands.common import (
    BAD_INPUT,
    STDOUT,
    Refusal,
    check_outputs,
    write_json,
)
from circflow.commands.options import JSON, file_argument, path_option
from circflow.data.one_line import plain
from circflow.i18n import say
from circflow.i18n.names import english_word, shown_word


class _Searching(click.Group):
    """A group whose first argument, where it is no command, is a word to search for."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if self.get_command(ctx, args[0]) is None:
            return "search", self.commands["search"], args
        return super().resolve_command(ctx, args)


@click.group(cls=_Searching, invoke_without_command=True)
@click.pass_context
def library(ctx: click.Context) -> None:
    """List, search and show the library of technologies: what could be made of a waste.

    Without a command every technology is listed; words that are no command are searched for, in
    English or Russian: `circflow library red mud`, `circflow library красный шлам`.
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(search)


_LIBRARY = path_option(
    "--library",
    "file",
    metavar="LIBRARY",
    help="A library of your own, a workbook or a folder of CSV files, instead of circflow's.",
)


def _read(file: Path | None) -> cf.Library:
    from circflow.data.pandas_text import keep_python_strings

    keep_python_strings()
    return cf.read_library(file)


@library.command()
@click.argument("words", nargs=-1, metavar="[WORD]…")
@click.option("--sector", metavar="SECTOR", help="Only technologies of this branch of industry.")
@_LIBRARY
@JSON
def search(
    words: Sequence[str] = (),
    sector: str | None = None,
    file: Path | None = None,
    json_out: Path | None = None,
) -> None:
    """List the technologies in whose names, materials or sector every word occurs."""
    from circflow.data.suggest import nearest
    from circflow.library.schema import SECTORS
    from circflow.library.search import search as find
    from circflow.library.words import materials_of

    sector = sector and english_word("sector", SECTORS, sector)
    if sector is not None and sector not in SECTORS:
        sectors = [shown_word("sector", name) for name in SECTORS]
        near = nearest(sector, sectors)
        hint = say("; did you mean {near!r}?", near=near) if near else ""
        raise Refusal(
            "there is no sector {sector!r}: one of {sectors}{hint}",
            sector=sector,
            sectors=", ".join(sectors),
            hint=hint,
        )
    check_outputs(None, text=[json_out])
    known = _read(file)
    matches = find(known, words, sector)
    if json_out is not None:
        records = matches.copy()
        for role in ("input", "output"):
            records[f"{role}s"] = [materials_of(known, n, role) for n in matches["technology"]]
        write_json(json_out, records)
    if str(json_out) != STDOUT:
        for line in _lines(known, list(matches["technology"])):
            click.echo(line)
        counts = {"count": len(matches), "count_2": len(known.technologies)}
        click.echo(say("{count} of {count_2} technologies", **counts))


def _lines(known: cf.Library, technologies: Sequence[str]) -> Iterator[str]:
    """A line of each technology: its name, its branch, how far it is known, what it makes."""
    from circflow.library.read import spoken
    from circflow.library.words import materials_of

    of_file, translated = known.technologies["technology"], spoken(known)
    rows = dict(zip(of_file, translated.technologies.to_dict("records"), strict=True))
    for technology in technologies:
        row = rows[technology]
        outputs = ", ".join(materials_of(translated, row["technology"], "output"))
        taken = materials_of(translated, row["technology"], "input")[0]
        words = [shown_word(column, row[column]) for column in ("sector", "confidence")]
        yield plain(f"{row['technology']} [{', '.join(words)}]: {taken} → {outputs}")


@library.command()
@click.argument("name", nargs=-1, required=True, metavar="NAME")
@_LIBRARY
@JSON
def show(name: Sequence[str], file: Path | None, json_out: Path | None) -> None:
    """Tell all of one technology: sizes, money, recipes, balance, emissions, sources.

    NAME is any of its names; in English or Russian, in quotation marks or not.
    """
    check_outputs(None, text=[json_out])
    known = _read(file)
    technology = _named(known, " ".join(name))
    if json_out is not None:
        write_json(json_out, _everything(known, technology))
    if str(json_out) != STDOUT:
        from circflow.library.read import spoken
        from circflow.library.words import description

        translated = spoken(known)
        names = dict(zip(known.technology_names, translated.technology_names, strict=True))
        for line in description(translated, names[technology]):
            click.echo(" " * (len(line) - len(line.lstrip())) + plain(line))


def _named(known: cf.Library, text: str) -> str:
    """The technology of a name. Raises `Refusal`, with the nearest, where there is none."""
    from circflow.data.suggest import folded, nearest

    owners = {
        folded(name): technology
        for technology, names in known.technology_names.items()
        for name in names
    }
    if folded(text) in owners:
        return owners[folded(text)]
    near = nearest(text, [name for names in known.technology_names.values() for name in names])
    search = say("search: circflow library {text}", text=text)
    hint = say("did you mean {near!r}?", near=near) if near else search
    raise Refusal("there is no technology {text!r} in the library; {hint}", text=text, hint=hint)


def _everything(known: cf.Library, technology: str) -> dict[str, Any]:
    names = ("recipes", "costs", "balance", "blend_limits")
    tables = {name: getattr(known, name).set_index("technology") for name in names}
    factors = known.emission_factors
    of_it = factors["key"].astype(str).str.partition("/")[0] == technology
    row = known.technologies.set_index("technology", drop=False).loc[technology]
    return {
        **{str(key): value for key, value in row.items()},
        **{name: table[table.index == technology] for name, table in tables.items()},
        "emission_factors": factors[of_it],
    }


@library.command()
@file_argument("file", "LIBRARY")
def check(file: Path) -> int:
    """List every problem of a library of your own, by sheet and cell.

    The exit code is 2 where there are errors.
    """
    from circflow.commands.scenario import listing, verdict
    from circflow.library import check_library

    problems = check_library(file)
    for line in listing(problems, file.name):
        click.echo(line)
    click.echo(verdict(file, problems))
    return BAD_INPUT if any(p.severity == "error" and not p.infeasible for p in problems) else 0


@library.command()
@click.argument("target", type=click.Path(path_type=Path), metavar="TO")
@_LIBRARY
def write(target: Path, file: Path | None) -> None:
    """Write the library to work on: a workbook (.xlsx), or else a folder of CSV files."""
    workbook = target.suffix.lower() == ".xlsx"
    kind = {"workbook": target} if workbook else {"folders": [target]}
    check_outputs(file, option="TO", **kind)
    from circflow.library.write import write_library

    write_library(_read(file), target)
    click.echo(say("Written: {target}", target=target))
