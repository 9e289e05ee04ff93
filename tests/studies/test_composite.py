"""The composite index: both scales by hand, equals share a rank, weights that matter."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from circflow.cli import main
from circflow.data.check import check
from circflow.studies.composite import composite

TUTORIAL = Path(__file__).parents[2] / "scenarios" / "tutorial"
FIGURES = pd.DataFrame(
    {"one": [10.0, 3.0, 1.0], "two": [20.0, 1.0, 1.0], "three": [15.0, 2.0, float("nan")]},
    index=["income", "waste", "patents"],
)
WEIGHTS = pd.Series([3.0, 1.0, 5.0], index=FIGURES.index)
BETTER = pd.Series(["higher", "lower", "higher"], index=FIGURES.index)


def test_both_scales_by_hand() -> None:
    index = composite(FIGURES, WEIGHTS, BETTER)
    scores = index.scores.pivot(index="scenario", columns="method", values="score")
    assert scores["min-max"].to_dict() == pytest.approx({"one": 0.0, "two": 1.0, "three": 0.5})
    deviation = (2 / 3) ** 0.5  # of 1, 2, 3; that of 10, 15, 20 is five times as much
    assert scores["z-score"].to_dict() == pytest.approx(
        {"one": -1 / deviation, "two": 1 / deviation, "three": 0.0}
    )
    assert index.left_out == ("patents",)


def test_the_ranking_hangs_on_the_weights() -> None:
    figures = pd.DataFrame({"one": [1.0, 0.0], "two": [0.0, 1.0]}, index=["a", "b"])
    better = pd.Series(["higher", "higher"], index=["a", "b"])
    index = composite(figures, pd.Series([2.0, 1.5], index=["a", "b"]), better)
    ranks = index.scores[index.scores["method"] == "min-max"].set_index("scenario")["rank"]
    assert ranks.to_dict() == {"one": 1, "two": 2}
    rows = index.ranking[index.ranking["method"] == "min-max"]
    doubled = rows[(rows["indicator"] == "b") & (rows["change"] == "doubled")].iloc[0]
    assert (doubled["one"], doubled["two"]) == (2, 1)
    even = composite(figures, pd.Series([1.0, 1.0], index=["a", "b"]), better)
    assert set(even.scores["rank"]) == {1}


def _folder(home: Path, rows: str) -> Path:
    home.mkdir()
    for file in TUTORIAL.glob("*.csv"):
        (home / file.name).write_bytes(file.read_bytes())
    header = "group,indicator,member,value,better,weight\n"
    (home / "Indicators.csv").write_text(header + rows, encoding="utf-8")
    return home


def test_compare_ranks_scenarios(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    patents = "activity,patents,,{},higher,1\n"
    waste = "social_environmental,waste_disposed,,,lower,1\n"
    one = _folder(tmp_path / "one", patents.format(3) + waste)
    two = _folder(tmp_path / "two", patents.format(4) + waste)
    out = tmp_path / "c.json"
    assert main(["compare", str(one), str(two), "-o", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "Rank by the composite index" in printed
    assert '"index_ranking"' in out.read_text(encoding="utf-8")
    assert main(["compare", str(one), "-o", str(out)]) == 0  # one scenario has no rank
    assert "composite" not in capsys.readouterr().out


def test_what_one_scenario_lacks_is_left_out_aloud(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    patents, waste = "activity,patents,,3,higher,1\n", "activity,grants,,2,higher,1\n"
    one = _folder(tmp_path / "one", patents + waste)
    two = _folder(tmp_path / "two", patents + "social_environmental,waste_disposed,,,lower,1\n")
    out = tmp_path / "c.json"
    assert main(["compare", str(one), str(two), "-o", str(out)]) == 0
    assert "for want of a figure in one of them: grants" in capsys.readouterr().out
    left_out = json.loads(out.read_text("utf-8"))["index_left_out"]
    assert left_out == [{"indicator": "grants"}]


def test_a_weight_stands_on_rows_of_the_cluster(tmp_path: Path) -> None:
    row = "social_environmental,waste_disposed,Metall,,lower,1\n"
    problems = check(_folder(tmp_path / "one", row))
    assert any(str(p.cell) == "Indicators!F2" and p.severity == "error" for p in problems)
