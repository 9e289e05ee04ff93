"""`docs/model.md`, the algebra of the model, made from the blocks themselves.

`python -m circflow.model.docs` prints it; a test fails when the file is not current. What a block
says in its docstring opens its section; its variables are those it adds with `add_variables`, its
rows the functions it decorates with `m.Constraint`, each with its formula.
"""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass
from pathlib import Path

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

<!-- Made from the blocks: python -m circflow.model.docs > docs/model.md -->

The plan of a scenario is the best solution of one linear programme with, where units can idle or
candidates can be built, yes/no decisions. Every block below is a piece of the plant and a file in
`circflow/model`; each adds its variables and rows and says what it contributes to the one balance
and the one objective, which `build` adds up.

All variables are rates per year and not negative unless said. Unit prices are in currency per unit
of material, the objective in million currency. Mass is positive into a site, money when received.
r is the discount rate, start the years before a period, D the weight of a period's yearly money.
"""


@dataclass(frozen=True)
class Entry:
    """A variable or a family of rows: its name, what indexes it, and what it says."""

    name: str
    index: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class Block:
    """What a module of the model says about itself."""

    name: str
    text: str
    variables: tuple[Entry, ...]
    rows: tuple[Entry, ...]


def read_block(name: str) -> Block:
    """Read a block's docstring, variables and rows from its source.

    Raises:
        ValueError: a variable or a row without a text of its own.
    """
    tree = ast.parse((Path(__file__).parent / f"{name}.py").read_text(encoding="utf-8"))
    lists = {
        node.targets[0].id: tuple(ast.literal_eval(node.value))
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.List)
        and all(isinstance(item, ast.Constant) for item in node.value.elts)
    }
    nodes = sorted(
        (n for n in ast.walk(tree) if isinstance(n, ast.Call | ast.FunctionDef)),
        key=lambda node: node.lineno,
    )
    variables = [_variable(n, lists) for n in nodes if _calls(n, "add_variables")]
    rows = [_row(n) for n in nodes if isinstance(n, ast.FunctionDef) and _is_rule(n)]
    made = Block(name, ast.get_docstring(tree) or "", tuple(variables), tuple(rows))
    silent = [e.name for e in (*made.variables, *made.rows) if not e.text]
    if silent or not made.text:
        raise ValueError(f"circflow/model/{name}.py does not say what these are: {silent or name}")
    return made


def _calls(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name


def _variable(node: ast.AST, lists: dict[str, tuple[str, ...]]) -> Entry:
    """The variable that a call of `add_variables(m, name, rows, index, doc)` adds."""
    assert isinstance(node, ast.Call)
    _, name, _, index, doc = node.args[:5]
    assert isinstance(index, ast.Name)
    return Entry(ast.literal_eval(name), lists[index.id], ast.literal_eval(doc))


def _is_rule(node: ast.FunctionDef) -> bool:
    marks = [d.func for d in node.decorator_list if isinstance(d, ast.Call)]
    return any(isinstance(mark, ast.Attribute) and mark.attr == "Constraint" for mark in marks)


def _row(node: ast.FunctionDef) -> Entry:
    """The family of rows that a rule makes; its arguments after the model index it."""
    index = tuple(argument.arg for argument in node.args.args[1:])
    return Entry(node.name, index, " ".join((ast.get_docstring(node) or "").split()))


def model_reference() -> str:
    """The text of `docs/model.md`."""
    return "\n".join([_HEAD, *(_section(read_block(name)) for name in BLOCKS)])


def _section(block: Block) -> str:
    first, _, rest = block.text.partition("\n")
    subject, colon, meaning = first.partition(": ")
    if not colon:
        subject, meaning = block.name.capitalize(), first
    if block.name == "build":
        subject = "The balance and the objective"
    lines = [f"## {subject}", "", f"`circflow/model/{block.name}.py`: {meaning}", ""]
    lines += _paragraphs(rest)
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
