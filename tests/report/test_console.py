"""The summary on the terminal tells the plan's figures, in the scenario's own names."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circflow.data.one_line import plain
from circflow.report.console import WIDTH, summary
from circflow.report.figures import (
    binding_limits,
    flow_totals,
    limit_label,
    money_lines,
    products_sold,
    unit_loads,
    waste_by_stage,
)
from circflow.report.numbers import (
    columns,
    cut,
    number,
    numbers,
    share,
    squeeze,
    table_lines,
    width,
)
from circflow.solution.solution import Solution, Status


def _line(text: str, start: str) -> list[str]:
    """The words of the line that begins so."""
    found = [line for line in text.splitlines() if line.strip().startswith(start)]
    assert found, f"no line begins with {start!r} in\n{text}"
    return found[0].split()


def test_figures_of_the_hand_made_plan(solution: Solution) -> None:
    text = summary(solution, ["out.xlsx"])
    assert text.startswith(
        "Свердловская область (Урал)\nOptimal plan; 2 periods, 5 years (2026-2030)"
    )
    assert "Net benefit 180 million RUB over the horizon, 36 per year" in text
    assert _line(text, "income")[-2:] == ["60.00", "300.0"]
    assert _line(text, "capital")[-2:] == ["-5.00", "-25.0"]
    assert _line(text, "net benefit")[-2:] == ["36.00", "180.0"]
    assert _line(text, "metallurgy")[1:] == ["t", "100", "60", "40", "60.0", "%"]
    assert "Works: slag > Town > Mill № 1 > cement > sold" in text
    assert _line(text, "Works  Town")[:4] == ["Works", "Town", "slag", "60"]
    assert "Mill № 1" in text
    assert "1 in service, 1 always full" in text
    assert "Audit passed" in text
    assert "Written: out.xlsx" in text
    assert "Seconds: 0.6 (read 0.1, build 0.2, solve 0.3)" in text
    assert "Warnings about the scenario: 1 (" in text


def test_groups_without_money_are_left_out(solution: Solution) -> None:
    lines = money_lines(solution)
    assert "streams" not in set(lines["group"])
    assert lines.set_index("group")["million"].drop("net_benefit").sum() == pytest.approx(180.0)


def test_waste_by_stage_is_that_of_the_totals(solution: Solution) -> None:
    (row,) = waste_by_stage(solution).to_dict("records")
    assert (row["stage"], row["arising"]) == ("metallurgy", 500.0)
    assert (row["converted"], row["disposed"]) == (300.0, 200.0)
    assert row["use_share"] == pytest.approx(1 - 40 / 100)


def test_flows_are_valued_where_they_arrive(solution: Solution) -> None:
    (row,) = flow_totals(solution).to_dict("records")
    assert row["amount"] == 60.0 * 5
    assert row["amount_per_year"] == 60.0
    assert row["moving_million"] == pytest.approx(2.0 * 5)
    assert row["worth_million"] == pytest.approx(300 * 5e5 / 1e6)
    assert row["distance_km"] == 12.0


def test_flows_without_a_price_have_no_worth(solution: Solution) -> None:
    tables = replace(solution.tables, prices=solution.prices.iloc[:0])
    bare = replace(solution, tables=tables)
    assert math.isnan(flow_totals(bare)["worth_million"][0])


def test_products_and_loads(solution: Solution) -> None:
    (product,) = products_sold(solution).to_dict("records")
    assert (product["material"], product["amount"], product["price"]) == ("cement", 150.0, 2e6)
    (unit,) = unit_loads(solution).to_dict("records")
    assert (unit["unit"], unit["load_share"]) == ("Mill № 1", 1.0)


def test_one_per_cent_more_capacity(solution: Solution) -> None:
    row, stream = binding_limits(solution).to_dict("records")
    assert (row["label"], row["direction"]) == ("capacity of Mill № 1", "more")
    assert (row["periods"], row["limit"]) == (2, 60.0)
    assert (stream["label"], stream["direction"]) == ("slag arising at Works", "less")
    assert stream["gain_million"] == pytest.approx(0.01 * 100 * 1e5 / 1e6 * 5)
    assert row["gain_million"] == pytest.approx(0.01 * 60 * 4e5 / 1e6 * 5)
    assert "with what is built held fixed" in summary(solution)


def test_a_plan_out_of_time_says_how_far_it_may_be(solution: Solution) -> None:
    late = replace(solution, status=Status.FEASIBLE, gap=0.032)
    late.__dict__.update({k: solution.__dict__[k] for k in ("totals", "audit", "chains")})
    assert "not proven the best (within 3.2 % of the best possible)" in summary(late)


def test_a_plan_that_does_nothing(empty: Solution) -> None:
    text = summary(empty)
    assert "To build: nothing" in text
    assert "nan" not in text.lower()


def test_names_cannot_drive_the_terminal(malicious: Solution) -> None:
    text = summary(malicious)
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "HYPERLINK" in text


def test_lines_stay_within_the_width(solution: Solution) -> None:
    flows = solution.flows.assign(**{"from": "Очень длинное имя предприятия " * 3, "to": "Я" * 90})
    wide = replace(solution, tables=replace(solution.tables, flows=flows))
    wide.__dict__.update({k: solution.__dict__[k] for k in ("totals", "audit", "chains")})
    assert max(width(line) for line in summary(wide).splitlines()) <= WIDTH


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (1234567.4, "1 234 567"),
        (999.96, "1 000"),
        (12.345, "12.3"),
        (-0.5, "-0.5"),
        (0.00123, "0.00123"),
        (1.5e-7, "0.00000015"),
        (math.nan, "-"),
        (math.inf, "-"),
        (None, "-"),
    ],
)
def test_number(value: float | None, text: str) -> None:
    assert number(value) == text


@given(st.floats(min_value=1e-4, max_value=1e15))
def test_number_keeps_three_digits(value: float) -> None:
    assert float(number(value).replace(" ", "")) == pytest.approx(value, rel=0.006)


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True) | st.none()))
def test_a_column_has_one_kind_of_decimals(values: list[float | None]) -> None:
    texts = numbers(values)
    assert len(texts) == len(values)
    assert not any(t.startswith("-0") and not t.strip("-0. ") for t in texts)


def test_numbers_share_their_decimals() -> None:
    assert numbers([1.5, 22.25, 0.0, None]) == ["1.50", "22.25", "0", "-"]
    assert numbers([-0.001, 5000.0]) == ["0", "5 000"]


def test_share() -> None:
    assert [share(v) for v in (0.5, 1.0, 0.0, 0.99999, None)] == [
        "50.0 %",
        "100 %",
        "0 %",
        "100 %",
        "-",
    ]


@given(st.text(max_size=60), st.integers(min_value=3, max_value=40))
def test_cut_fits(text: str, limit: int) -> None:
    assert width(cut(plain(text), limit)) <= limit
    assert width(squeeze(plain(text), limit)) <= limit


def test_squeeze_keeps_both_ends() -> None:
    assert squeeze("works: slag > mill > cement > town", 20) == "works: sl…ent > town"


def test_columns_align() -> None:
    lines = columns(["name", "t"], [["а", "5"], ["длинное", "1 000"]])
    assert lines == ["  name         t", "  а            5", "  длинное  1 000"]


def test_a_table_shows_the_columns_that_have_a_title() -> None:
    frame = pd.DataFrame(
        {
            "unit": ["Kiln\x1b[31m", "Mill"],
            "gain": [1234.5, math.nan],
            "unseen": [1, 2],
            "n": [3, 4],
        }
    )
    assert table_lines(frame, {"unit": "unit", "n": "count", "gain": "gain"}) == [
        "  unit       count   gain",
        "  Kiln?[31m      3  1 234",
        "  Mill           4      –",
    ]
    assert table_lines(frame.head(0), {"unit": "unit"}) == []


@pytest.mark.parametrize(
    ("row", "label"),
    [
        ({"kind": "stockpile", "column": "closing_max"}, "most ash left at Pit"),
        ({"kind": "stockpile", "column": "closing_min"}, "least ash left at Pit"),
        ({"kind": "stockpile", "column": "capacity"}, "room for ash at Pit"),
        (
            {"kind": "link", "column": "capacity_per_year", "to": "Town"},
            "capacity of Pit > Town, ash",
        ),
        (
            {"kind": "disposal", "column": "total_capacity", "material": None},
            "disposal in total at Pit",
        ),
        (
            {"kind": "emission limit", "column": "limit_per_year", "limit": "dust, cluster"},
            "emissions of dust, cluster",
        ),
        (
            {"kind": "least load", "column": "min_load", "unit": "Mill"},
            "least load: Mill, Pit, ash",
        ),
    ],
)
def test_what_binds_is_called_as_its_figure_says(row: dict[str, Any], label: str) -> None:
    full = {"site": "Pit", "material": "ash", "limit": row["column"], **row}
    assert limit_label(full) == label
