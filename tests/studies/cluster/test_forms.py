"""Forms of cluster, and scenarios side by side."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import circflow as cf
from circflow.commands.cluster import compare as compare_command
from circflow.commands.cluster import comparison_lines
from circflow.commands.cluster import forms as forms_command
from circflow.studies.cluster.forms import cluster_forms, forms
from circflow.studies.compare import Comparison, compare, distinct, file_labels

TUTORIAL = Path(__file__).parents[3] / "scenarios" / "tutorial"


@pytest.fixture(scope="module")
def scenario() -> cf.Scenario:
    return cf.read(TUTORIAL)


def test_settings_of_the_forms(scenario: cf.Scenario) -> None:
    dear = scenario.change(
        {
            "Scenario.transaction_cost_outside": 30,
            "Scenario.max_distance_km": 300,
        }
    )
    as_it_is, conventional, digital, open_to_all = cluster_forms(dear, radius_km=120)
    assert (as_it_is.max_distance_km, as_it_is.transaction_cost_inside) == (300.0, 10.0)
    assert conventional.max_distance_km == 120.0
    assert conventional.transaction_cost_inside == 30.0
    assert digital.max_distance_km == np.inf
    assert (digital.transaction_cost_inside, digital.transaction_cost_outside) == (5.0, 30.0)
    assert (open_to_all.transaction_cost_inside, open_to_all.transaction_cost_outside) == (5, 5)
    assert conventional.of(dear).settings.max_distance_km == 120.0
    assert digital.of(dear).settings.max_distance_km == np.inf
    # A radius does not widen what the scenario itself allows.
    assert cluster_forms(dear, radius_km=500)[1].max_distance_km == 300.0
    with pytest.raises(ValueError, match="negative"):
        cluster_forms(dear, radius_km=-1)


@pytest.fixture(scope="module")
def told() -> list[str]:
    """What the progress of `found` told."""
    return []


@pytest.fixture(scope="module")
def found(scenario: cf.Scenario, told: list[str]) -> Comparison:
    return forms(scenario, jobs=1, progress=told.append)


def test_any_number_of_jobs_gives_the_same(
    scenario: cf.Scenario, found: Comparison, told: list[str]
) -> None:
    two = forms(scenario, jobs=2, progress=told.append)
    pd.testing.assert_frame_equal(found.table, two.table, check_exact=True)
    pd.testing.assert_frame_equal(found.built, two.built, check_exact=True)
    assert sum(text.startswith("scenarios: 4 of 4") for text in told) == 2
    result = CliRunner().invoke(forms_command, [str(TUTORIAL), "--jobs", "0"])
    assert result.exit_code == 2


def test_forms_on_the_tutorial(found: Comparison) -> None:
    value = found.value("objective")
    assert value["as it is"] == pytest.approx(40.78125)
    # 62,500 t between members at 10 per t, 5 in a digital cluster.
    deals = found.value("transaction_cost", "between_members")
    assert deals["as it is"] == pytest.approx(0.625)
    assert deals["digital"] == pytest.approx(0.3125)
    assert value["digital"] == pytest.approx(40.78125 + 0.3125)
    assert found.value("partnerships")["as it is"] == 2.0
    assert found.value("mean_distance", "between_members")["as it is"] == pytest.approx(28.0)
    with pytest.raises(ValueError, match="no figure"):
        found.value("beauty")


def test_compare_two_scenarios(scenario: cf.Scenario) -> None:
    cheaper = scenario.change({"Markets.price": "*0.9"})
    found = compare(scenario, cheaper)
    assert found.labels[1] == f"{scenario.name} (2)"
    objective = found.value("objective")
    assert objective[found.labels[0]] > objective[found.labels[1]]
    less = found.differences.set_index("figure").loc["objective", found.labels[1]]
    assert less == pytest.approx(objective[found.labels[1]] - objective[found.labels[0]])
    assert found.reasons == {}
    assert found.built["unit"].tolist() == found.solutions[found.labels[0]].built["unit"].tolist()


def test_a_scenario_without_a_plan_has_a_reason(scenario: cf.Scenario) -> None:
    impossible = scenario.change({"Disposal.capacity_per_year": 0, "Units.status": "off"})
    found = compare(scenario, impossible, labels=["good", "bad"])
    assert found.reasons["bad"]
    assert np.isnan(found.value("objective")["bad"])
    with pytest.raises(cf.NoPlan):
        compare(impossible)
    with pytest.raises(ValueError, match="at least one"):
        compare()
    with pytest.raises(ValueError, match="labels"):
        compare(scenario, labels=["a", "b"])


def test_labels() -> None:
    assert distinct(["a", "a", "b", "a"]) == ["a", "a (2)", "b", "a (3)"]
    assert file_labels(["x/one.xlsx", "y/one/", "two"]) == ["one", "one (2)", "two"]


def test_lines_on_the_screen(found: Comparison) -> None:
    lines = comparison_lines(found)
    assert "open ecosystem" in lines[0]
    assert any("transaction" in line for line in lines)


def test_commands(tmp_path: Path) -> None:
    out = tmp_path / "side.json"
    done = CliRunner().invoke(compare_command, [str(TUTORIAL), "-o", str(out)])
    assert done.exit_code == 0, done.output
    tables = json.loads(out.read_text(encoding="utf-8"))
    assert tables["figures"][0]["figure"] == "objective"
    for command in (compare_command, forms_command):
        done = CliRunner().invoke(command, [str(TUTORIAL), "-o", str(TUTORIAL)])
        assert done.exit_code == 2


def test_scenarios_called_as_a_column_of_the_table_are_numbered(scenario: cf.Scenario) -> None:
    comparison = compare(scenario, scenario, scenario, labels=["figure", "unit", "unit"])
    assert comparison.labels == ("figure (2)", "unit (2)", "unit (3)")
    assert list(comparison.table) == ["figure", "item", "unit", *comparison.labels]
    assert list(comparison.built) == ["unit", *comparison.labels]
    assert "figure (2)" in comparison_lines(comparison)[0]
