"""Futures by hand: figures of a small works whose mill may stand still, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest

import circflow as cf
from circflow.cli import main
from circflow.data.changes.futures import futures_of, in_future, mean_scenario
from circflow.data.files.append import with_rows
from circflow.data.files.books import write_book
from circflow.data.scenario import Scenario
from circflow.studies.errors import CheckError, StudyError
from circflow.studies.futures import worker
from circflow.studies.futures.first_stage import Risk
from circflow.studies.futures.worker import Job, Planned, Task

Make = Callable[[dict[str, Any]], Scenario]
KNOWN = Path(__file__).parents[3] / "scenarios" / "known"

WORKS: dict[str, Any] = {
    "Scenario": {"capital_charge": "upfront", "auto_links": False},
    "Periods": [{"period": "a", "years": 1}, {"period": "b", "years": 1}],
    "Sites": [{"site": "Works", "member": "M"}],
    "Materials": [
        {"material": "slag", "category": "waste"},
        {"material": "brick", "category": "product"},
    ],
    "Streams": [{"site": "Works", "material": "slag", "amount_per_year": 10, "must_handle": False}],
    "Recipes": [
        {"technology": "mill", "role": "input", "material": "slag", "amount": 1},
        {"technology": "mill", "role": "output", "material": "brick", "amount": 1},
    ],
    "Units": [
        {"unit": "Old", "site": "Works", "technology": "mill", "capacity_per_year": 10},
        {
            "unit": "Spare",
            "site": "Works",
            "technology": "mill",
            "capacity_per_year": 4,
            "status": "candidate",
            "capex_million": 1,
        },
    ],
    "Markets": [{"site": "Works", "material": "brick", "price": 1e6}],
}
"""Ten tonnes a year at a million each; a spare mill for four costs a million."""


STORM: dict[str, Any] = {
    **WORKS,
    "Streams": [{**WORKS["Streams"][0], "must_handle": True}],
    "Disposal": [{"site": "Works", "material": "slag", "fee": 0, "capacity_per_year": 8}],
    "Futures": [{"future": "calm", "probability": 0.75}, {"future": "storm", "probability": 0.25}],
    "FutureChanges": [{"future": "storm", "parameter": "Members[member=M]", "change": "off"}],
}


@pytest.fixture(scope="module")
def of_units(make_scenario: Make) -> cf.Futures:
    """The works where each of its units may stand still."""
    return cf.futures(make_scenario(WORKS), outages="units", infrastructure=True)


def test_outages_of_units_by_hand(of_units: cf.Futures) -> None:
    """The spare mill, built in a, gives 19 as it stands and where it is still itself, and 13 where
    the old mill is still: (3 · 19 + 2 · 13) / 5. Known before: 20 (thrice, without it) and 13."""
    found = of_units
    assert [f.name for f in found.futures] == [
        "as it stands",
        "Old still in a",
        "Old still in b",
        "Spare still in a",
        "Spare still in b",
    ]
    assert found.worth == pytest.approx([19, 13, 13, 19, 19])
    assert found.alone == pytest.approx([20, 13, 13, 20, 20])
    assert pytest.approx(16.6) == found.RP
    assert pytest.approx(17.2) == found.WS
    # The mean scenario has four fifths of each mill: 8 and 3.2 of 10, less the capital.
    assert pytest.approx(19) == found.EV
    assert pytest.approx(16.6) == found.EEV
    assert pytest.approx(0, abs=1e-9) == found.VSS
    assert pytest.approx(0.6) == found.EVPI
    assert found.CVaR == pytest.approx(13)
    assert found.built == [{"unit": "Spare", "period": "a", "capacity": 4}]
    own = found.candidates.set_index("unit").loc["Spare"]
    assert own["share_right"] == pytest.approx(0.4)
    assert own["advice"] == "build now"


def test_outages_of_members(make_scenario: Make) -> None:
    found = cf.futures(make_scenario(WORKS), outages="members")
    assert [f.name for f in found.futures] == ["as it stands", "M still in a", "M still in b"]
    assert found.worth == pytest.approx([20, 10, 10])
    assert found.built == []


def test_a_preference_for_the_worst_builds_more(make_scenario: Make) -> None:
    """At a capex of 2.5 the spare mill costs more than it saves in the mean, but not at worst."""
    dear = {**WORKS, "Units": [WORKS["Units"][0], {**WORKS["Units"][1], "capex_million": 2.5}]}
    neutral = cf.futures(make_scenario(dear), outages="units")
    assert neutral.built == []
    assert pytest.approx(16) == neutral.RP
    averse = cf.futures(make_scenario(dear), outages="units", alpha=0.6, omega=1.0)
    assert [b["unit"] for b in averse.built] == ["Spare"]
    assert averse.worth == pytest.approx([17.5, 11.5, 11.5, 17.5, 17.5])
    assert pytest.approx(11.5) == averse.RP
    assert averse.CVaR == averse.RP
    # Alone 20, 11.5, 11.5, 20, 20; the mean scenario (8 of 10 for nothing, 2 more for 2.5 and
    # then 2 a year) builds it too.
    assert pytest.approx(11.5) == averse.WS
    assert averse.EEV is not None
    assert averse.EEV <= averse.RP + 1e-9


def test_cvar_splits_a_future_at_the_quantile() -> None:
    worths, likely = np.array([3.0, 1.0, 2.0]), np.array([0.5, 0.25, 0.25])
    assert Risk(0.75).cvar(worths, likely) == pytest.approx(1)
    assert Risk(0.6).cvar(worths, likely) == pytest.approx((0.25 * 1 + 0.15 * 2) / 0.4)
    assert Risk(0.0).cvar(worths, likely) == pytest.approx(2.25)
    assert Risk(0.6, 0.5).measure(worths, likely) == pytest.approx(0.5 * 2.25 + 0.5 * 1.375)


def test_a_future_without_a_plan_is_named_with_its_reason(make_scenario: Make) -> None:
    """Ten must be handled and four can be dumped: with both mills still there is no plan."""
    found = cf.futures(make_scenario(STORM))
    assert found.status is cf.Status.INFEASIBLE
    assert found.RP is None
    assert found.WS is None
    assert found.EV is not None
    assert found.alone[0] == pytest.approx(20)
    ((name, reason),) = found.without_plan
    assert name == "storm"
    assert "Members[member=M] stands still in every period (FutureChanges row 2)" in reason
    assert "Disposal" in reason
    told = found.summary()
    assert told["RP"] is None
    assert told["futures"][1]["alone"] != told["futures"][1]["alone"]  # NaN: null in JSON
    assert found.mean_without_plan == ("storm",)


def test_a_future_may_fill_a_column_that_the_sheet_lacks(tmp_path: Path) -> None:
    """The tutorial limits no disposal: its sheet has no such column."""
    book = openpyxl.load_workbook(Path(__file__).parents[3] / "scenarios" / "tutorial.xlsx")
    for name, rows in {
        "Futures": [("future", "probability"), ("calm", 0.75), ("storm", 0.25)],
        "FutureChanges": [
            ("future", "parameter", "change", "value"),
            ("storm", "Disposal.capacity_per_year", "set", 1000),
        ],
    }.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(tmp_path / "storm.xlsx")
    ((name, reason),) = cf.futures(cf.read(tmp_path / "storm.xlsx")).without_plan
    assert name == "storm"
    assert "Disposal.capacity_per_year set to 1000 (FutureChanges row 2)" in reason
    assert "raise Disposal!E2 from 1000 to 37500 t/yr" in reason


def test_futures_that_exclude_one_another(make_scenario: Make) -> None:
    """Each future alone has a plan, one of two mills that exclude one another."""
    mill = {"site": "Works", "technology": "mill", "capacity_per_year": 10}
    new = {**mill, "status": "candidate", "capex_million": 1, "choice": "one"}
    other = {**new, "unit": "Wet", "technology": "wet mill"}
    rows = WORKS["Recipes"]
    both = {
        **WORKS,
        "Streams": [{**WORKS["Streams"][0], "must_handle": True}],
        "Recipes": [*rows, *({**r, "technology": "wet mill"} for r in rows)],
        "Units": [{**new, "unit": "Dry"}, other],
        "Futures": [{"future": "dry", "probability": 0.5}, {"future": "wet", "probability": 0.5}],
        "FutureChanges": [
            {"future": "dry", "parameter": "Units[unit=Wet]", "change": "off"},
            {"future": "wet", "parameter": "Units[unit=Dry]", "change": "off"},
        ],
    }
    found = cf.futures(make_scenario(both))
    assert found.RP is None
    assert pytest.approx(19) == found.WS
    assert "'dry', 'wet'" in found.reason


def test_the_budget_counts_the_scenario_s_own_capex(make_scenario: Make) -> None:
    """The spare mill costs 5 in the future, but the budget of 1 counts the 1 of the scenario."""
    dear = {
        **WORKS,
        "Budget": [{"period": "a", "budget_million": 1}, {"period": "b", "budget_million": 0}],
        "Futures": [{"future": "dear", "probability": 1}],
        "FutureChanges": [
            {"future": "dear", "parameter": "Units.capex_million[unit=Spare]", "value": 5},
            {"future": "dear", "parameter": "Units[unit=Old]", "change": "off"},
        ],
    }
    found = cf.futures(make_scenario(dear))
    assert found.built == [{"unit": "Spare", "period": "a", "capacity": 4}]
    assert pytest.approx(2 * 4 - 5) == found.RP
    none = {**dear, "Budget": [{"period": p, "budget_million": 0.9} for p in "ab"]}
    assert pytest.approx(0) == cf.futures(make_scenario(none)).RP


def test_figures_of_a_future_change_in_the_order_of_the_rows(make_scenario: Make) -> None:
    changes = [
        {"future": "f", "parameter": "Markets.price", "change": "factor", "value": 3},
        {"future": "f", "parameter": "Markets.price", "change": "add", "value": 1e6},
        {"future": "f", "parameter": "Units.availability[unit=Old]", "value": 2},
        {"future": "f", "parameter": "Units.availability[unit=Old]", "value": 0.25},
    ]
    scenario = make_scenario(
        {**WORKS, "Futures": [{"future": "f", "probability": 1}], "FutureChanges": changes}
    )
    then = in_future(scenario, futures_of(scenario)[0])
    assert then.frame("Markets")["price"].tolist() == [4e6]
    assert then.frame("Units")["availability"].tolist() == [0.5, 1.0]  # 2 in between is no breach
    assert scenario.frame("Markets")["price"].tolist() == [1e6]


def test_the_mean_scenario(make_scenario: Make) -> None:
    """Means of figures; unlimited stays so; a mill runs as it is likely to; others by half."""
    changes = [
        {"future": "f", "parameter": "Markets.max_per_year", "change": "set", "value": 6},
        {"future": "f", "parameter": "Markets.price", "change": "factor", "value": 3},
        {"future": "f", "parameter": "Units[unit=Old]", "change": "off", "period": "b"},
        {"future": "f", "parameter": "Members[member=M]", "change": "off", "period": "b"},
        {"future": "g", "parameter": "Markets[site=Works, material=brick]", "change": "off"},
        {"future": "f", "parameter": "Modes[mode=road]", "change": "off", "period": "a"},
        {"future": "g", "parameter": "Modes[mode=road]", "change": "off", "period": "a"},
    ]
    futures = [{"future": n, "probability": p} for n, p in (("f", 0.25), ("g", 0.5), ("h", 0.25))]
    scenario = make_scenario({**WORKS, "Futures": futures, "FutureChanges": changes})
    mean = mean_scenario(scenario, futures_of(scenario))
    assert mean.frame("Markets")["price"].tolist() == [1.5e6]
    assert np.isnan(mean.frame("Markets")["max_per_year"]).all()
    rows = mean.frame("UnitPeriods")[["unit", "period", "availability"]].to_numpy().tolist()
    assert rows == [["Old", "b", 0.75], ["Spare", "b", 0.75]]  # once, though told twice
    assert mean.standstill.markets == frozenset()  # on in one half
    assert mean.standstill.modes == {("road", "a")}


def test_what_stands_still_in_one_period(make_scenario: Make) -> None:
    """A market, a link, a mode: nothing passes, and a least sale is not asked for."""
    apart = {
        **WORKS,
        "Sites": [{"site": "Works", "member": "M"}, {"site": "Town"}],
        "Units": [WORKS["Units"][0]],
        "Links": [{"from": "Works", "to": "Town", "cost": 0}],
        "Markets": [{"site": "Town", "material": "brick", "price": 1e6, "min_per_year": 5}],
        "Futures": [{"future": n, "probability": 1 / 2} for n in ("calm", "f")],
    }
    for text in ("Markets[site=Town, material=brick]",):
        changes = [{"future": "f", "parameter": text, "change": "off", "period": "b"}]
        found = cf.futures(make_scenario({**apart, "FutureChanges": changes}))
        assert found.worth == pytest.approx([20, 10])
    free = {**apart, "Markets": [{"site": "Town", "material": "brick", "price": 1e6}]}
    for text in ("Links[from=Works, to=Town]", "Modes[mode=road]"):
        changes = [{"future": "f", "parameter": text, "change": "off", "period": "b"}]
        found = cf.futures(make_scenario({**free, "FutureChanges": changes}))
        assert found.worth == pytest.approx([20, 10])


def test_without_futures_the_study_is_refused(make_scenario: Make) -> None:
    with pytest.raises(StudyError, match="there are no futures"):
        cf.futures(make_scenario(WORKS))
    with pytest.raises(StudyError, match="either sampled or outages"):
        cf.futures(make_scenario(WORKS), sample=3, outages="units")


RANGES = [
    {"parameter": "Markets.price", "low": 0.5, "high": 1.5},
    {"parameter": "Units.availability[unit=Old]", "low": 0.2, "high": 1},
    {"parameter": "Scenario.discount_rate", "change": "set", "low": 0, "high": 0.1},
]


def test_a_sample_is_the_same_on_any_number_of_workers(make_scenario: Make) -> None:
    scenario = make_scenario({**WORKS, "Ranges": RANGES})
    one = cf.futures(scenario, sample=4, seed=3)
    two = cf.futures(scenario, sample=4, seed=3, jobs=2)
    assert one.summary() == two.summary()
    assert one.notes == ("the same in every future, since it is decided: Scenario.discount_rate",)
    assert one.tested is not None
    assert one.tested.samples == 8
    assert one.tested.mean_low < one.tested.mean < one.tested.mean_high
    assert one.tested.gap <= one.tested.gap_high
    assert cf.futures(scenario, sample=4, seed=4, test=0).RP != one.RP


def test_the_farmer_on_the_command_line(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    assert main(["futures", str(KNOWN / "farmer"), "--json", str(out), "-q"]) == 0
    told = json.loads(out.read_text(encoding="utf-8"))
    dollars = {n: told[n] * 1e6 for n in ("RP", "WS", "EV", "EEV", "EVPI", "VSS")}
    assert dollars == pytest.approx(
        {
            "RP": 108_390,
            "WS": 115_405.5556,
            "EV": 118_600,
            "EEV": 107_240,
            "EVPI": 7_015.5556,
            "VSS": 1_150,
        },
        abs=1e-3,
    )
    assert {b["unit"]: b["capacity"] for b in told["built"]} == pytest.approx(
        {"wheat": 170, "corn": 80, "sugar beets": 250}
    )
    assert {b["unit"]: b["capacity"] for b in told["mean_built"]} == pytest.approx(
        {"wheat": 120, "corn": 80, "sugar beets": 300}
    )
    assert list(told["futures"][0]) == [
        "future",
        "probability",
        "worth",
        "alone",
        "mean_decisions",
    ]
    assert told["alpha"] == 0.8
    assert told["omega"] == 0


def test_lands() -> None:
    """The published cost, 381.853333, and plants: 8/3, 4, 10/3, 2."""
    found = cf.futures(cf.read(KNOWN / "lands"))
    assert pytest.approx(-381.853333, abs=1e-6) == found.RP
    assert [one["capacity"] for one in found.built] == pytest.approx([8 / 3, 4, 10 / 3, 2])


def test_exit_codes(
    make_scenario: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["futures", str(KNOWN / "dantzig")]) == 2
    assert "there are no futures" in capsys.readouterr().err
    path = tmp_path / "storm.xlsx"
    settings = {"name": "Storm", **STORM["Scenario"]}
    sheets = {**STORM, "Scenario": [{"key": k, "value": v} for k, v in settings.items()]}
    write_book(with_rows(make_scenario(STORM).book, sheets), path)
    assert main(["futures", str(path)]) == 3
    told = "".join(capsys.readouterr())
    assert "storm" in told
    assert "Members[member=M] stands still in every period (FutureChanges row 2)" in told
    assert "Disposal" in told


def test_a_future_whose_plan_fails_the_audit_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plans of the futures alone, of the mean's decisions and of the best are all audited; the
    mean's decisions are those of the middle future alone, whose plan is audited once."""
    honest = worker.plan
    scenario = cf.read(KNOWN / "farmer")
    known: list[Planned] = []  # the plans are the same each time, in the same order
    for sound, words in ((1, "alone"), (4, "mean"), (6, "plans of the futures: that")):
        calls = count()

        def faulty(
            job: Job, task: Task, calls: Iterator[int] = calls, sound: int = sound
        ) -> Planned:
            if (n := next(calls)) == len(known):
                known.append(honest(job, task))
            plan = known[n]
            assert task.decisions is not None and plan.valuation.decisions is not None
            assert (task.decisions == plan.valuation.decisions).all()
            return plan if n < sound else replace(plan, faults=("a row",))

        monkeypatch.setattr(worker, "plan", faulty)
        with pytest.raises(CheckError, match=f"{words}.* failed the audit: a row"):
            cf.futures(scenario)


def test_a_dask_cluster_gives_the_same(make_scenario: Make) -> None:
    distributed = pytest.importorskip("distributed")
    scenario = make_scenario({**WORKS, "Ranges": RANGES})
    here = cf.futures(scenario, sample=2, seed=1, test=0, group_size=1)
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        there = cf.futures(
            scenario, sample=2, seed=1, test=0, group_size=1, dask=cluster.scheduler_address
        )
    assert there.summary() == here.summary()


def test_what_a_stockpile_is_worth_and_because_of_which_risks(make_scenario: Make) -> None:
    """A store lets what was made in a be sold in b when the market was still in a.

    The mill makes ten a year. Calm: 20 with or without the store. Market still in a: with the
    store ten are kept, and 20 sold in b; without, 10. Still in b: 10 either way.
    """
    stored = {
        **WORKS,
        "Units": [WORKS["Units"][0]],
        "Stockpiles": [{"site": "Works", "material": "brick", "capacity": 10}],
    }
    found = cf.futures(make_scenario(stored), outages="markets", infrastructure=True)
    assert found.worth == pytest.approx([20, 20, 10])
    assert found.infrastructure is not None
    (row,) = found.infrastructure.to_dict("records")
    assert row["kind"] == "stockpile"
    assert row["name"] == "Works, brick"
    assert row["worth"] == pytest.approx(10 / 3)
    assert row["calm"] == pytest.approx(0, abs=1e-9)
    assert row["by_risk"] == pytest.approx(10 / 3)
    assert row["worst"] == pytest.approx(10)
    assert row["worst_tenth"] == pytest.approx(0, abs=1e-9)  # 10 in the worst, with and without
    assert row["because_of"] == "Works, brick still in a (+10)"


def test_what_spare_capacity_and_a_candidate_are_worth(
    make_scenario: Make, of_units: cf.Futures
) -> None:
    """Two old mills of 8, ten tonnes: the spare six help where the other stands still."""
    mill = WORKS["Units"][0]
    two = [{**mill, "unit": name, "capacity_per_year": 8} for name in ("One", "Two")]
    one = {**WORKS, "Periods": [{"period": "a", "years": 1}], "Units": two}
    found = cf.futures(make_scenario(one), outages="units", infrastructure=True)
    assert found.worth == pytest.approx([10, 8, 8])
    assert found.infrastructure is not None
    table = found.infrastructure.set_index("name")
    assert set(table["kind"]) == {"spare capacity"}
    # Without its spare capacity the second of the two makes what the calm plan makes of it.
    assert table["worth"].max() == pytest.approx(6 / 3)
    kept = of_units.infrastructure
    assert kept is not None
    spare = kept[kept["kind"] == "candidate"].iloc[0]
    assert spare["worth"] == pytest.approx(0.6)
    assert spare["calm"] == pytest.approx(-1)
    assert spare["worst"] == pytest.approx(3)


def test_what_candidates_that_are_not_built_would_be_worth(make_scenario: Make) -> None:
    """At a capex of 2.5 the spare mill is not built: 20, 10, 10, 20, 20, mean 16. With it 17.5,
    11.5, 11.5, 17.5, 17.5, mean 15.1: 0.9 less, but 1.5 more in the worst tenth."""
    old, spare = WORKS["Units"]
    dear = {**spare, "capex_million": 2.5}
    table = {**WORKS, "Units": [old, dear, {**dear, "unit": "Next", "requires": "Spare"}]}
    found = cf.futures(make_scenario(table), outages="units", infrastructure=True)
    assert found.built == []
    assert found.infrastructure is not None
    things = found.infrastructure.set_index("name")
    row = things.loc["Spare"]
    told = row[["worth", "calm", "by_risk", "worst", "worst_tenth"]].astype(float).tolist()
    likely = 1 / 7  # as it stands, and three units still in two periods
    assert told == pytest.approx([2 * 1.5 * likely - 2.5 * 5 * likely, -2.5, 8 * likely, 1.5, 1.5])
    assert things.loc["Next", "because_of"] == "it requires Spare, which is not built"
    candidates = found.candidates.set_index("unit")
    assert candidates.loc["Spare", "worth"] == row["worth"]
    assert candidates.loc["Spare", "worst_tenth"] == row["worst_tenth"]
    assert np.isnan(candidates.loc["Next", "worth"])


def test_why_a_candidate_cannot_be_added(make_scenario: Make) -> None:
    """Spare is built for the 1 that the budget has, Rival shares its choice, Poor costs more."""
    old, spare = WORKS["Units"]
    units = [
        old,
        {**spare, "choice": "one"},
        {**spare, "unit": "Rival", "choice": "one", "capex_million": 1.5},
        {**spare, "unit": "Poor", "capex_million": 1.5},
    ]
    budget = [{"period": "a", "budget_million": 1}, {"period": "b", "budget_million": 0}]
    comes = [{"future": name, "probability": 0.5} for name in ("calm", "still")]
    still = [{"future": "still", "parameter": "Units[unit=Old]", "change": "off"}]
    sheets = {"Units": units, "Budget": budget, "Futures": comes, "FutureChanges": still}
    found = cf.futures(make_scenario({**WORKS, **sheets}), infrastructure=True)
    assert [one["unit"] for one in found.built] == ["Spare"]
    assert found.infrastructure is not None
    why = found.infrastructure.set_index("name")["because_of"]
    assert why["Rival"] == "Spare is built instead (choice one)"
    assert why["Poor"] == "the budget leaves nothing for it"


def test_outages_of_links_and_modes(make_scenario: Make) -> None:
    apart = {
        **WORKS,
        "Sites": [{"site": "Works", "member": "M"}, {"site": "Town"}],
        "Units": [WORKS["Units"][0]],
        "Links": [{"from": "Works", "to": "Town", "cost": 0}],
        "Markets": [{"site": "Town", "material": "brick", "price": 1e6}],
    }
    links = cf.futures(make_scenario(apart), outages="links")
    assert [f.name for f in links.futures][1] == "Works > Town still in a"
    assert links.worth == pytest.approx([20, 10, 10])
    modes = cf.futures(make_scenario(apart), outages="modes")
    assert modes.worth == pytest.approx([20, 10, 10])


def test_groups_of_futures_give_the_same_answer(make_scenario: Make, tmp_path: Path) -> None:
    scenario = make_scenario({**WORKS, "Ranges": RANGES})
    store = tmp_path / "groups.sqlite"
    sample: dict[str, Any] = {"sample": 5, "seed": 1, "test": 0}
    groups: dict[str, Any] = {**sample, "group_size": 2, "gap": 1e-6}
    averse = cf.futures(scenario, **groups, omega=0.5, jobs=2)
    kept = cf.futures(scenario, **groups, store=store)
    for omega, found in ((0.5, averse), (0.0, kept)):
        one = cf.futures(scenario, **sample, omega=omega)
        assert pytest.approx(one.RP, rel=1e-6) == found.RP
        assert found.gap is not None
        assert found.gap <= 1e-6
    again = cf.futures(scenario, **groups, store=store, resume=True)
    assert again.summary() == kept.summary()
    with pytest.raises(StudyError, match="exists already"):
        cf.futures(scenario, **groups, store=store)
    with pytest.raises(StudyError, match="belongs to another study"):
        cf.futures(scenario, **{**groups, "seed": 2}, store=store, resume=True)
