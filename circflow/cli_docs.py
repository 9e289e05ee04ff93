"""docs/cli.md, generated from the commands: `python -m circflow.cli_docs > docs/cli.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from inspect import cleandoc

import click

from circflow.cli import cli

HEAD = """\
# The command line

Generated from the commands' help by `python -m circflow.cli_docs > docs/cli.md`.

`FILE` is a scenario, everywhere: an Excel workbook (`.xlsx`) or a folder of CSV files of the same
sheets (see [data.md](data.md)). `circflow COMMAND --help` tells what stands here.

| command | does |
| --- | --- |
"""

TAIL = """\
## Addresses of cells

`ADDRESS` names cells: `Sheet.column` (every row) or `Sheet.column[column=value, …]` (the rows that
have these values). A value with a comma, a bracket or a quotation mark stands in quotation marks.
`Scenario.discount_rate` names a key of the sheet Scenario. A sign and one value follow: `=` sets,
`*=` multiplies, `+=` adds. Put it in quotation marks, for the shell's sake:

```
circflow solve region.xlsx --set 'Markets.price[material=slag cement]*=0.9'
circflow solve region.xlsx --set 'Scenario.discount_rate=0.08' --set 'Streams.amount_per_year+=100'
```

## Output

`--json -` writes to standard output and nothing else goes there; progress, messages and errors go
to standard error. Files are written whole or not at all. Output paths are looked at before the work
begins: a missing folder, a read-only place or the scenario's own name is refused.

Without a plan the JSON of `solve` holds `scenario`, `status` (infeasible, unbounded, stopped) and
`reason`. Figures that do not exist are `null`.

**Results workbook** (`-o`). The sheet Summary stands in front, with charts and links; then follows
one table per sheet, with units in the headers. A blank cell is a figure that does not exist, or no
limit. Texts are never formulas. A table too long for a sheet goes on in `Flows (2)`.

**CSV folder** (`--csv`). One file per table; the header is the column names of the Python tables.
UTF-8 with a byte order mark, which Excel wants (`encoding="utf-8-sig"` in pandas), commas, a point
as the decimal sign. Text that a spreadsheet would take for a formula (it begins with `=`, `+`, `-`,
`@` and is no number) has an apostrophe in front; numbers are numbers.

## Exit codes

| code | meaning |
| --- | --- |
| 0 | done |
| 1 | internal error, or a plan that failed the audit; `CIRCFLOW_DEBUG=1` shows the traceback |
| 2 | bad input or usage: every problem is a line on standard error |
| 3 | no feasible plan |
| 4 | unbounded: the plan could earn without end |
| 5 | stopped by a limit before a plan was found |
| 130 | interrupted (Ctrl-C) |
| 141 | the program that read the output has gone |
"""


def reference() -> str:
    """The whole page, as Markdown."""
    context = click.Context(cli, info_name="circflow")
    overview = [
        f"| [`{name}`](#circflow-{name}) | {command.get_short_help_str(limit=200)} |\n"
        for name, command in cli.commands.items()
    ]
    sections = [
        "\n".join(_section(command, name, context)) for name, command in cli.commands.items()
    ]
    return HEAD + "".join(overview) + "\n" + "\n".join(sections) + "\n" + TAIL


def _section(command: click.Command, name: str, parent: click.Context) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=parent)
    yield f"## circflow {name}\n"
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"```\ncircflow {name} {usage}\n```\n"
    yield cleandoc(command.help or "") + "\n"
    records = [p.get_help_record(context) for p in command.params if isinstance(p, click.Option)]
    if any(records):
        yield "| option | does |\n| --- | --- |"
        for option, text in filter(None, records):
            yield f"| `{option}` | {text.replace('|', chr(92) + '|')} |"
        yield ""
    if isinstance(command, click.Group):
        for sub, subcommand in command.commands.items():
            yield from _section(subcommand, f"{name} {sub}", parent)


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]
    sys.stdout.write(reference())
