"""docs/results.md names every table and every column of a plan."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pandas as pd
import pytest

from circflow.algebra.build import result, results
from circflow.algebra.results_docs import rewritten
from circflow.report.variety_of_uses import uses_of_wastes, variety
from circflow.solution.solution import Solution, Tables

PAGE = Path(__file__).parents[2] / "docs" / "results.md"


def section(title: str) -> str:
    """A section of the page, without the sections below it."""
    found = re.search(
        rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", PAGE.read_text("utf-8"), re.M | re.S
    )
    assert found, f"docs/results.md has no section {title}"
    return found.group(1)


def assert_named(frame: pd.DataFrame, title: str) -> None:
    named = set(re.findall(r"`([^`]+)`", section(title)))
    assert set(frame.columns) <= named, set(frame.columns) - named


@pytest.mark.parametrize("table", [field.name for field in dataclasses.fields(Tables)])
def test_table_is_described(one_cluster_plan: Solution, table: str) -> None:
    assert_named(getattr(one_cluster_plan.tables, table), table)
    known = result(table)
    assert known is not None
    assert list(getattr(one_cluster_plan.tables, table)) == known.names


def test_figures_and_names_are_as_declared(one_cluster_plan: Solution) -> None:
    for known in results():
        frame = getattr(one_cluster_plan.tables, known.name)
        for column in known.columns:
            if frame[column.name].notna().any():
                numeric = pd.api.types.is_numeric_dtype(frame[column.name])
                flag = pd.api.types.is_bool_dtype(frame[column.name])
                assert (numeric and not flag) == column.numeric, (known.name, column.name)


def test_section_of_tables_is_what_the_blocks_declare() -> None:
    text = PAGE.read_text("utf-8")
    assert rewritten(text) == text, "python -m circflow.algebra.results_docs docs/results.md"


def test_chains_audit_and_totals_are_described(one_cluster_plan: Solution) -> None:
    assert_named(one_cluster_plan.chains, "Value chains")
    assert_named(uses_of_wastes(one_cluster_plan), "Uses and variety")
    assert_named(variety(one_cluster_plan), "Uses and variety")
    found = one_cluster_plan.unused
    for table in (found.chains, found.steps, found.conversions):
        assert_named(table, "Possible but unused")
    assert_named(one_cluster_plan.audit.findings, "Audit")
    named = set(re.findall(r"`([^`]+)`", section("Totals")))
    assert set(one_cluster_plan.totals) <= named
