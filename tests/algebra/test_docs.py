"""`docs/model.md` is current and tells every variable and every row of the model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from circflow.algebra import build, market
from circflow.algebra.declare import Model
from circflow.algebra.docs import BLOCKS, model_reference, read_blocks

ROOT = Path(__file__).parents[2]


def test_the_file_is_current() -> None:
    stands = (ROOT / "docs" / "model.md").read_text(encoding="utf-8")
    assert stands == model_reference(), "run: python -m circflow.algebra.docs > docs/model.md"


def test_every_block_is_told() -> None:
    told = {block.__name__.rsplit(".", 1)[-1] for block in build.BLOCKS}
    assert told <= set(BLOCKS)


def test_every_variable_and_row_of_the_model_is_told(written: Callable[..., Any]) -> None:
    model = written({"Sites": [{"site": "A"}], "Materials": []}).model
    blocks = read_blocks()
    rows = {entry.name for block in blocks for entry in block.rows}
    assert rows == set(model.limits)
    variables = {entry.name for block in blocks for entry in block.variables}
    assert variables == set(model.variables)
    assert {entry.name for block in blocks for entry in block.bounds} == set(model.bounds)


def test_every_variable_stands_in_its_block_s_algebra() -> None:
    for block in read_blocks():
        for entry in block.variables:
            assert f"{entry.name}[{', '.join(entry.index)}]" in block.text, entry.name


def test_a_row_without_a_formula_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(m: Model) -> None:
        m.limit("silent", ("site",), m["taken"].times(), "==", 0.0, "")

    monkeypatch.setattr(market, "build", silent)
    with pytest.raises(ValueError, match="silent"):
        read_blocks()
