"""`docs/model.md`, the algebra of the model, made from the blocks themselves.

`python -m circflow.algebra.docs` prints it; a test fails when the file is not current. What a block
says in its docstring opens its section; its variables, rows and bounds are those it declares with
`m.variable`, `m.limit` and `m.bound`, each with its formula.
"""

from __future__ import annotations

import sys
from collections.abc import Collection
from dataclasses import dataclass
from inspect import cleandoc
from types import ModuleType

from circflow.algebra import build
from circflow.algebra.declare import Bound, Limit, Model, Variable
from circflow.data.scenario import Scenario, Settings, make_periods
from circflow.data.schema.sheets import SHEETS
from circflow.data.table import Book, Table, blank_rows

BLOCKS = (
    "supply",
    "conversion",
    "capacity",
    "investment",
    "transport",
    "market",
    "disposal",
    "stock",
    "emissions",
    "synergy",
    "build",
)
"""The modules of the model, in the order in which they are told."""

_HEAD = """\
# The model

<!-- Made from the blocks: python -m circflow.algebra.docs > docs/model.md -->

The plan of a scenario is the best solution of one linear programme with, where units can idle or
candidates can be built, yes/no decisions. Every block below is a piece of the plant and a file in
`circflow/algebra`; each adds its variables and rows and says what it contributes to the one balance
and the one objective, which `build` adds up.

All variables are rates per year and not negative unless said. Unit prices are in currency per unit
of material, the objective in million currency. Mass is positive into a site, money when received.
r is the discount rate, start the years before a period, D the weight of a period's yearly money.
"""


_SETS = """\
## Sets and constants

| set | of |
| --- | --- |
| site (from, to) | places of Sites |
| material | of Materials |
| mode | of Modes |
| unit | of Units that are not off |
| recipe, group | alternatives of a unit's technology; inputs of a recipe that replace one another |
| period (built_in) | of Periods |
| row, tier | a row of a sheet; the place of a market's row among those of its site and material |
| synergy, partner, choice, pollutant | of Synergies, SynergyPartners, Units, EmissionFactors |

| constant | unit | meaning |
| --- | --- | --- |
| years, start | yr | length of a period, years before it |
| r | share/yr | discount rate |
| D | yr | what yearly money of a period is worth today, Σ_{n<years} (1 + r)^−(start + n) |
| figures of the sheets | docs/data.md | amounts in the material's unit, prices per unit |
"""


@dataclass(frozen=True)
class Block:
    """What a module of the model says of itself, and what it declares."""

    name: str
    text: str
    variables: list[Variable]
    rows: list[Limit]
    bounds: list[Bound]


def read_blocks() -> list[Block]:
    """The blocks in the order of `BLOCKS`, as they build the model of a scenario without rows.

    Raises:
        ValueError: a variable or a limit without a text of its own.
    """
    tables = {sheet.name: Table(sheet, blank_rows(sheet, 0)) for sheet in SHEETS}
    scenario = Scenario(Settings(""), make_periods(["1"], [1], 0.0), tables, Book(()))
    m, known = Model(scenario), set[str]()
    blocks = {}
    for module in build.BLOCKS:
        module.build(m)
        blocks[module.__name__] = _block(module, m, known)
        known |= {*m.variables, *m.limits, *m.bounds}
    blocks[build.__name__] = _block(build, build.build(scenario), known)
    return [blocks[f"{__package__}.{name}"] for name in BLOCKS]


def _block(module: ModuleType, m: Model, known: Collection[str]) -> Block:
    """A module and what it has declared, beside what is known."""
    variables = [v for v in m.variables.values() if v.name not in known]
    rows = [limit for limit in m.limits.values() if limit.name not in known]
    bounds = [bound for bound in m.bounds.values() if bound.name not in known]
    silent = [v.name for v in variables if not v.doc]
    silent += [limit.name for limit in rows if not limit.formula]
    silent += [bound.name for bound in bounds if not bound.formula]
    if silent or not module.__doc__:
        raise ValueError(f"{module.__name__} does not say what these are: {silent}")
    return Block(
        module.__name__.rpartition(".")[2], cleandoc(module.__doc__), variables, rows, bounds
    )


def model_reference() -> str:
    """The text of `docs/model.md`."""
    blocks = read_blocks()
    return "\n".join([_HEAD, _SETS, *_variables(blocks), *(_section(b) for b in blocks)])


def _variables(blocks: list[Block]) -> list[str]:
    lines = ["## Variables", "", "| variable | unit | meaning |", "| --- | --- | --- |"]
    for block in blocks:
        for v in block.variables:
            lines.append(f"| `{v.name}[{', '.join(v.index)}]` | {v.unit} | {_cell(v.doc)} |")
    return [*lines, ""]


def _section(block: Block) -> str:
    first, _, rest = block.text.partition("\n")
    subject, colon, meaning = first.partition(": ")
    if not colon:
        subject, meaning = block.name.capitalize(), first
    if block.name == "build":
        subject = "The balance and the objective"
    lines = [f"## {subject}", "", f"`circflow/algebra/{block.name}.py`: {meaning}", ""]
    lines += _paragraphs(rest)
    if block.bounds:
        lines += ["| bound | what must hold |", "| --- | --- |"]
        lines += [f"| `{b.name}` | {_cell(b.formula)} |" for b in block.bounds]
        lines.append("")
    if block.rows:
        lines += ["| row | for every | what must hold |", "| --- | --- | --- |"]
        lines += [f"| `{x.name}` | {', '.join(x.over)} | {_cell(x.formula)} |" for x in block.rows]
        lines.append("")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _paragraphs(text: str) -> list[str]:
    """A docstring's paragraphs; a line above indented ones is a title, the indented ones are text
    as it stands."""
    lines: list[str] = []
    for paragraph in text.strip().split("\n\n"):
        rows = paragraph.splitlines()
        at = next((n for n, row in enumerate(rows) if row.startswith(" ")), len(rows))
        plain, indented = rows[:at], [row for row in rows[at:] if row.startswith(" ")]
        if plain and indented:
            lines += [f"**{' '.join(plain).rstrip(':')}**", ""]
        elif plain:
            lines += [*plain, ""]
        if indented:
            lines += ["```text", *(row.removeprefix("    ") for row in indented), "```", ""]
        after = [row for row in rows[at:] if not row.startswith(" ")]
        if after:
            lines += [*after, ""]
    return lines


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    sys.stdout.write(model_reference())
