"""The study of futures on the terminal, as a workbook, as a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from circflow.data.one_line import plain
from circflow.i18n import mark, say
from circflow.report.numbers import columns, number, numbers, share

if TYPE_CHECKING:
    from circflow.studies.futures.result import Futures
    from circflow.studies.futures.robust import Robust

_MOST_FUTURES = 20
_FIGURES = (
    ("RP", mark("the best decisions for all futures")),
    ("WS", mark("if each future were known before deciding")),
    ("EVPI", mark("WS - RP: what a perfect forecast is worth")),
    ("EV", mark("the mean scenario by itself")),
    ("EEV", mark("the futures under the mean scenario's decisions")),
    ("VSS", mark("RP - EEV: what planning for the futures is worth")),
)


def lines(found: Futures) -> list[str]:
    """What is shown on the terminal."""
    currency = found.scenario.settings.currency
    head = say(
        "{name}: {count} futures, million {currency}",
        name=plain(found.scenario.name),
        count=len(found.futures),
        currency=currency,
    )
    made = [head, "", *_figures(found), "", *_decisions(found), *_futures(found)]
    made += [*_members(found), *_infrastructure(found), *_test(found)]
    made += [plain(text) for text in found.notes]
    return made


def _figures(found: Futures) -> list[str]:
    values = [getattr(found, name) for name, _ in _FIGURES]
    worst = say(
        "mean worth of the worst {share} of the futures", share=share(1.0 - found.risk.alpha)
    )
    rows = [
        [name, say(words), text]
        for (name, words), text in zip(_FIGURES, numbers([*values, found.CVaR]), strict=False)
    ]
    rows.append(["CVaR", worst, numbers([*values, found.CVaR])[-1]])
    made = columns(["", "", say("million")], rows, left=2)
    if found.risk.omega > 0.0:
        weight = number(found.risk.omega)
        made.append(
            say(
                "  RP, WS and EEV count the mean {number}, CVaR {weight}",
                number=number(1 - found.risk.omega),
                weight=weight,
            )
        )
    gap = found.gap or 0.0
    if gap > 1e-9:
        made.append(say("  RP is proven to within {number} %", number=number(100 * gap)))
    if found.mean_without_plan:
        names = ", ".join(plain(name) for name in found.mean_without_plan)
        made.append(say("  The mean scenario's decisions leave no plan in: {names}", names=names))
    return made


def _decisions(found: Futures) -> list[str]:
    table = found.candidates
    if table.empty or found.decisions is None:
        return []
    rows = [
        [
            plain(str(r["unit"])),
            str(r["advice"]),
            plain(str(r["period"] or "–")),
            number(r["capacity"]),
            plain(str(r["mean_period"] or "–")),
            share(r["share_right"]),
        ]
        for r in table.to_dict("records")
        if r["advice"] != "leave"
    ]
    titles = ["unit", "advice", "period", "capacity", say("mean scenario"), say("right in")]
    return [*columns(titles, rows, left=3), ""]


def _futures(found: Futures) -> list[str]:
    table = found.table
    shown = table.sort_values("worth", kind="stable") if found.RP is not None else table
    shown = shown.head(_MOST_FUTURES)
    money = [numbers(shown[name]) for name in ("worth", "alone", "regret", "mean_decisions")]
    rows = [
        [plain(str(name)), share(p), *figures]
        for name, p, *figures in zip(shown["future"], shown["probability"], *money, strict=True)
    ]
    titles = ["future", "likely", "worth", "alone", "regret", say("mean decisions")]
    more = len(table) - len(shown)
    rest = [say("  … and {more} more futures (-o writes all)", more=more)] if more else []
    return [*columns(titles, rows), *rest, ""]


def _members(found: Futures) -> list[str]:
    table = found.members_risk
    if table.empty or len(found.futures) < 2:
        return []
    table = table.sort_values("share_of_risk", ascending=False, kind="stable")
    money = [numbers(table[name]) for name in ("mean", "worst_tenth", "deviation")]
    rows = [
        [plain(str(name)), *figures, share(part)]
        for name, *figures, part in zip(
            table["member"], *money, table["share_of_risk"], strict=True
        )
    ]
    return [
        *columns(
            [say("member"), say("mean"), say("worst tenth"), say("deviation"), say("of the risk")],
            rows,
        ),
        "",
    ]


def _infrastructure(found: Futures) -> list[str]:
    table = found.infrastructure
    if table is None or table.empty:
        return []
    money = [numbers(table[name]) for name in ("worth", "worst", "by_risk")]
    rows = [
        [plain(str(kind)), plain(str(name)), plain(str(why or "–")), *figures]
        for kind, name, why, *figures in zip(
            table["kind"], table["name"], table["because_of"], *money, strict=True
        )
    ]
    titles = ["infrastructure", "", say("because of"), "worth", say("at most"), say("by risk")]
    return [*columns(titles, rows, left=3, total=120), ""]


def _test(found: Futures) -> list[str]:
    tested = found.tested
    if tested is None:
        return []
    head = say("Judged on {samples} other futures: ", samples=tested.samples)
    if tested.without_plan:
        return [
            say(
                "{head}in {without_plan} of them the decisions leave no plan",
                head=head,
                without_plan=tested.without_plan,
            )
        ]
    low, mean, high = numbers([tested.mean_low, tested.mean, tested.mean_high])
    made = [
        say(
            "{head}mean worth {mean} (95 %: {low} to {high})",
            head=head,
            mean=mean,
            low=low,
            high=high,
        )
    ]
    if tested.gap_high == tested.gap_high:
        gap, most = numbers([max(tested.gap, 0.0), max(tested.gap_high, 0.0)])
        made.append(
            say(
                "  below the best possible by about {gap}, with 95 % by at most {most}",
                gap=gap,
                most=most,
            )
        )
    return made


def no_plan_lines(found: Futures) -> list[str]:
    """Why no decisions hold in every future, as lines of an error."""
    made = [
        say("error: {name}: {reason}", name=plain(found.scenario.name), reason=plain(found.reason))
    ]
    for name, reason in found.without_plan:
        made.append(say("  in the future {name!r}:", name=plain(name)))
        made += [f"    {line.rstrip()}" for line in reason.splitlines() if line.strip()]
    return made


def robust_lines(found: Robust) -> list[str]:
    """The price of robustness on the terminal."""
    currency = found.scenario.settings.currency
    curve = found.curve
    money = [numbers(curve[name]) for name in ("worth", "nominal", "price")]
    rows = [
        [number(gamma), *figures, share(chance), str(built)]
        for gamma, *figures, chance, built in zip(
            curve["gamma"], *money, curve["chance"], curve["built"], strict=True
        )
    ]
    titles = [
        say("figures that turn out badly"),
        say("worth at least"),
        say("as it stands"),
        "price",
    ]
    head = say(
        "{name}: {count} uncertain figures, million {currency}",
        name=plain(found.scenario.name),
        count=len(found.rows),
        currency=currency,
    )
    made = [head, "", *columns([*titles, say("chance of less"), say("built")], rows), ""]
    for gamma, plan in zip(curve["gamma"], found.plans, strict=True):
        if gamma in found.gamma and plan:
            names = ", ".join(f"{plain(b['unit'])} ({plain(b['period'])})" for b in plan)
            made.append(say("Built against {gamma}: {names}", gamma=number(gamma), names=names))
    if found.left_out:
        names = ", ".join(plain(name) for name in found.left_out)
        made.append(
            say("Left out, as they are decided or change more than money: {names}", names=names)
        )
    return made
