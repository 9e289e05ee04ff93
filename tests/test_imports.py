"""Imports run downwards, from floor to floor and without circles: lazy and typing-only ones too.

The facades, which may look up, are named here; nothing else may.
"""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "circflow"
FLOORS = (
    ("i18n",),
    ("data",),
    ("library",),
    ("algebra",),
    ("solution",),
    ("solver",),
    ("report",),
    ("studies",),
    ("fuzz", "commands", "app"),
    ("cli", "cli_docs", "cli_messages", "__main__"),
)
"""From the ground up; a room may import from its own floor and from those below."""
FACADES = {
    "circflow.data.scenario": {"circflow.data.changes.change", "circflow.data.network"},
    "circflow.solution.solution": {
        "circflow.solution.audit",
        "circflow.solution.chains",
        "circflow.solution.substances",
        "circflow.solution.totals",
        "circflow.solution.unused",
    },
}
"""`Scenario.change`, `.network`; `Solution.audit`, `.chains`, `.substances`, `.totals`,
`.unused`."""


def modules(root: Path) -> dict[str, Path]:
    """The modules of a package, by their dotted names."""
    found = {}
    for path in root.rglob("*.py"):
        parts = path.relative_to(root.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(root: Path) -> dict[str, set[str]]:
    """By module: the modules of the package that it imports, wherever in its text.

    The package itself is its front door, which offers everything lazily; it is left out.
    """
    known = modules(root)
    edges: dict[str, set[str]] = {name: set() for name in known if name != root.name}
    for name in edges:
        for node in ast.walk(ast.parse(known[name].read_text("utf-8"))):
            if isinstance(node, ast.Import):
                named = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert not node.level, f"{name}: a relative import"
                module = node.module or ""
                named = [f"{module}.{alias.name}" for alias in node.names]
                named = [n if n in known else module for n in named]
            else:
                continue
            edges[name] |= {n for n in named if n in edges and n != name}
    return edges


def floor(module: str) -> int:
    """The floor that a module is on."""
    return next(n for n, rooms in enumerate(FLOORS) if module.split(".")[1] in rooms)


def upwards(edges: dict[str, set[str]]) -> list[str]:
    """Imports that run up."""
    return [
        f"{name} imports {other}"
        for name, others in sorted(edges.items())
        for other in sorted(others)
        if floor(other) > floor(name)
    ]


def circle(edges: dict[str, set[str]]) -> list[str]:
    """Modules that import one another in a circle, the facades apart; empty where none do."""
    downward = {n: others - FACADES.get(n, set()) for n, others in edges.items()}
    try:
        TopologicalSorter(downward).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


@pytest.fixture(scope="module")
def edges() -> dict[str, set[str]]:
    return imports(PACKAGE)


def test_imports_run_downwards(edges: dict[str, set[str]]) -> None:
    assert upwards(edges) == []


def test_imports_make_no_circle(edges: dict[str, set[str]]) -> None:
    assert circle(edges) == []


def test_facades_are_in_use(edges: dict[str, set[str]]) -> None:
    for name, others in FACADES.items():
        assert others <= edges[name]


@pytest.mark.parametrize(
    "text",
    [
        "from circflow.studies.plots import sweep_plot",
        "import circflow.studies.plots",
        "from circflow.studies import plots",
        "def f():\n    from circflow.studies.plots import sweep_plot",
        "if TYPE_CHECKING:\n    from circflow.studies.plots import sweep_plot",
    ],
)
def test_an_import_upwards_is_seen(tmp_path: Path, text: str) -> None:
    root = tmp_path / "circflow"
    for room, content in (("data", text), ("studies", "from circflow.data import plots")):
        (root / room).mkdir(parents=True)
        (root / room / "plots.py").write_text(content, "utf-8")
    edges = imports(root)
    assert upwards(edges) == ["circflow.data.plots imports circflow.studies.plots"]
    assert set(circle(edges)) == {"circflow.data.plots", "circflow.studies.plots"}
