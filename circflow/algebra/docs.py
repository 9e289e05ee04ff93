"""`docs/model.md`, the algebra of the model, made from the blocks themselves.

`python -m circflow.algebra.docs` prints it; a test fails when the file is not current. What a block
says in its docstring opens its section; its variables, rows and bounds are those it declares with
`m.variable`, `m.limit` and `m.bound`, each with its formula.
"""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass
from pathlib import Path

from circflow.algebra.terms import MASS

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
class Entry:
    """A variable or a family of rows: its name, what indexes it, and what it says."""

    name: str
    index: tuple[str, ...]
    text: str
    unit: str = ""


@dataclass(frozen=True)
class Block:
    """What a module of the model says about itself."""

    name: str
    text: str
    variables: tuple[Entry, ...]
    rows: tuple[Entry, ...]
    bounds: tuple[Entry, ...]


def read_block(name: str) -> Block:
    """Read a block's docstring, variables, limits and bounds from its source.

    Raises:
        ValueError: a variable or a limit without a text of its own.
    """
    tree = ast.parse((Path(__file__).parent / f"{name}.py").read_text(encoding="utf-8"))
    names = {
        node.targets[0].id: tuple(ast.literal_eval(node.value))
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Tuple)
        and all(isinstance(item, ast.Constant) for item in node.value.elts)
    } | {"MASS": MASS}
    calls = sorted(
        (n for n in ast.walk(tree) if isinstance(n, ast.Call)), key=lambda node: node.lineno
    )
    variables = [_variable(call, names) for call in calls if _declares(call, "variable")]
    rows = [_row(call, names) for call in calls if _declares(call, "limit")]
    bounds = [
        Entry(ast.literal_eval(call.args[0]), (), ast.literal_eval(call.args[4]))
        for call in calls
        if _declares(call, "bound")  # m.bound(name, variable, sense, cells, formula)
    ]
    block = Block(name, ast.get_docstring(tree) or "", tuple(variables), tuple(rows), tuple(bounds))
    silent = [e.name for e in (*block.variables, *block.rows, *block.bounds) if not e.text]
    if silent or not block.text:
        raise ValueError(
            f"circflow/algebra/{name}.py does not say what these are: {silent or name}"
        )
    return block


def _declares(call: ast.Call, kind: str) -> bool:
    """Whether it is a call of `m.variable`, `m.limit` or `m.bound`."""
    of = call.func
    return (
        isinstance(of, ast.Attribute)
        and of.attr == kind
        and isinstance(of.value, ast.Name)
        and of.value.id == "m"
    )


def _variable(call: ast.Call, names: dict[str, tuple[str, ...]]) -> Entry:
    """The variable of a call `m.variable(name, INDEX, rows, meaning, unit)`."""
    name, index, _, doc, unit = call.args[:5]
    assert isinstance(index, ast.Name)
    text = ast.literal_eval(doc)
    return Entry(ast.literal_eval(name), names[index.id], text, ast.literal_eval(unit))


def _row(call: ast.Call, names: dict[str, tuple[str, ...]]) -> Entry:
    """The rows of a call `m.limit(name, over, …, formula)`."""
    given = {k.arg: k.value for k in call.keywords}
    over = given["over"] if "over" in given else call.args[1]
    formula = given["formula"] if "formula" in given else call.args[5]
    index = names[over.id] if isinstance(over, ast.Name) else tuple(ast.literal_eval(over))
    return Entry(ast.literal_eval(call.args[0]), index, " ".join(ast.literal_eval(formula).split()))


def model_reference() -> str:
    """The text of `docs/model.md`."""
    blocks = [read_block(name) for name in BLOCKS]
    return "\n".join([_HEAD, _SETS, *_variables(blocks), *(_section(b) for b in blocks)])


def _variables(blocks: list[Block]) -> list[str]:
    lines = ["## Variables", "", "| variable | unit | meaning |", "| --- | --- | --- |"]
    for block in blocks:
        for e in block.variables:
            lines.append(f"| `{e.name}[{', '.join(e.index)}]` | {e.unit} | {_cell(e.text)} |")
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
        lines += [f"| `{e.name}` | {_cell(e.text)} |" for e in block.bounds]
        lines.append("")
    if block.rows:
        lines += ["| row | for every | what must hold |", "| --- | --- | --- |"]
        lines += [f"| `{e.name}` | {', '.join(e.index)} | {_cell(e.text)} |" for e in block.rows]
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
