"""The study of futures on the terminal, as a workbook, as a page."""

from __future__ import annotations

from circflow.data.one_line import plain
from circflow.i18n import say, say_in
from circflow.report.numbers import aligned_lines, columns, number, numbers, share
from circflow.report.vocabulary import heading
from circflow.studies.futures.result import FIGURES, Futures
from circflow.studies.futures.robust import Robust

_MOST_FUTURES = 20
_SHARES = ("probability", "share_of_risk", "chance")
_SHOWN = ("RP", "WS", "EVPI", "EV", "EEV", "VSS", "CVaR")


def lines(result: Futures) -> list[str]:
    """What is shown on the terminal."""
    currency = result.scenario.settings.currency
    head = say(
        "{name}: {count} futures, million {currency}",
        name=plain(result.scenario.name),
        count=len(result.futures),
        currency=currency,
    )
    shown = [head, "", *_figures(result), "", *_decisions(result), *_futures(result)]
    shown += [*_members(result), *_infrastructure(result), *_test(result)]
    shown += [plain(text) for text in result.notes]
    return shown


def _figures(result: Futures) -> list[str]:
    worst = say(
        "mean worth of the worst {share} of the futures", share=share(1.0 - result.risk.alpha)
    )
    words = [*(say(FIGURES[name]) for name in _SHOWN[:-1]), worst]
    values = numbers([getattr(result, name) for name in _SHOWN])
    rows = [list(row) for row in zip(_SHOWN, words, values, strict=True)]
    shown = columns(["", "", say("million")], rows, left=2)
    if result.risk.omega > 0.0:
        weight = number(result.risk.omega)
        shown.append(
            say(
                "  RP, WS and EEV count the mean {number}, CVaR {weight}",
                number=number(1 - result.risk.omega),
                weight=weight,
            )
        )
    gap = result.gap or 0.0
    if gap > 1e-9:
        shown.append(say("  RP is proven to within {number} %", number=number(100 * gap)))
    if result.mean_without_plan:
        names = ", ".join(plain(name) for name in result.mean_without_plan)
        shown.append(say("  The mean scenario's decisions leave no plan in: {names}", names=names))
    return shown


def _decisions(result: Futures) -> list[str]:
    table = result.candidates
    if table.empty or result.decisions is None:
        return []
    worths = [name for name in ("worth", "worst_tenth") if name in table]
    when = table[["period", "mean_period"]].astype(object)
    table = table.assign(**when.where(when.notna(), "–"))
    rows = [
        [
            plain(str(r["unit"])),
            say(r["advice"]),
            plain(str(r["period"])),
            number(r["capacity"]),
            plain(str(r["mean_period"])),
            share(r["share_right"]),
            *(number(r[name]) for name in worths),
        ]
        for r in table.to_dict("records")
        if r["advice"] != "leave" or worths
    ]
    titles = [*map(heading, ("unit", "advice", "period", "capacity"))]
    titles += [say("mean scenario"), say("right in")]
    titles += [say("worth"), say("worst tenth")] if worths else []
    return [*columns(titles, rows, left=3), ""]


def _futures(result: Futures) -> list[str]:
    table = result.table
    shown = table.sort_values("worth", kind="stable") if result.RP is not None else table
    shown = shown.head(_MOST_FUTURES)
    titles = {
        "future": say("future"),
        "probability": say("likely"),
        "worth": say("worth"),
        "alone": say("alone"),
        "regret": say("regret"),
        "mean_decisions": say("mean decisions"),
    }
    more = len(table) - len(shown)
    rest = [say("  … and {more} more futures (-o writes all)", more=more)] if more else []
    return [*aligned_lines(shown, titles, shares=_SHARES), *rest, ""]


def _members(result: Futures) -> list[str]:
    table = result.members_risk
    if table.empty or len(result.futures) < 2:
        return []
    table = table.sort_values("share_of_risk", ascending=False, kind="stable")
    titles = {
        "of": say("member"),
        "mean": say("mean"),
        "worst_tenth": say("worst tenth"),
        "deviation": say("deviation"),
        "share_of_risk": say("of the risk"),
    }
    return [*aligned_lines(table.rename(columns={"member": "of"}), titles, shares=_SHARES), ""]


def _infrastructure(result: Futures) -> list[str]:
    table = result.infrastructure
    if table is None or table.empty:
        return []
    others = set(result.candidates["unit"]) - {one["unit"] for one in result.built}
    table = table[~((table["kind"] == "candidate") & table["name"].isin(others))]
    why = table["because_of"]
    titles = {
        "kind": say("infrastructure"),
        "name": "",
        "because_of": say("because of"),
        "worth": say("worth"),
        "worst": say("at most"),
        "by_risk": say("by risk"),
    }
    table = table.assign(because_of=why.where(why.astype(bool), "–"))
    return [*aligned_lines(table, titles, left=3, total=120), ""]


def _test(result: Futures) -> list[str]:
    tested = result.tested
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
    text = [
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
        text.append(
            say(
                "  below the best possible by about {gap}, with 95 % by at most {most}",
                gap=gap,
                most=most,
            )
        )
    return text


def no_plan_lines(result: Futures) -> list[str]:
    """Why no decisions hold in every future, as lines of an error."""
    text = [
        say(
            "error: {name}: {reason}", name=plain(result.scenario.name), reason=plain(result.reason)
        )
    ]
    for name, reason in result.without_plan:
        text.append(say("  in the future {name!r}:", name=plain(name)))
        text += [f"    {line.rstrip()}" for line in reason.splitlines() if line.strip()]
    return text


def robust_lines(result: Robust) -> list[str]:
    """The price of robustness on the terminal."""
    currency = result.scenario.settings.currency
    curve = result.curve.assign(gamma=result.curve["gamma"].map(number))
    titles = {
        "gamma": say("figures that turn out badly"),
        "worth": say("worth at least"),
        "nominal": say("as it stands"),
        "price": say_in("robustness", "price"),
        "chance": say("chance of less"),
        "built": say("built"),
    }
    head = say(
        "{name}: {count} uncertain figures, million {currency}",
        name=plain(result.scenario.name),
        count=len(result.rows),
        currency=currency,
    )
    shown = [head, "", *aligned_lines(curve, titles, shares=_SHARES), ""]
    for gamma, plan in zip(result.curve["gamma"], result.plans, strict=True):
        if gamma in result.gamma and plan:
            names = ", ".join(f"{plain(b['unit'])} ({plain(b['period'])})" for b in plan)
            shown.append(say("Built against {gamma}: {names}", gamma=number(gamma), names=names))
    if result.left_out:
        names = ", ".join(plain(name) for name in result.left_out)
        shown.append(
            say("Left out, as they are decided or change more than money: {names}", names=names)
        )
    return shown
