"""share, forms, compare: what a cluster gains, in which form, and scenarios side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

import circflow as cf
from circflow.commands.common import Call, Progress, Refusal, note
from circflow.commands.options import (
    QUIET,
    SET,
    STUDY,
    Number,
    integer_option,
    path_option,
    scenario_command,
    time_limit,
    valued_option,
)
from circflow.data.one_line import plain
from circflow.i18n import say, say_in

_SHORT = {
    "between_members": "members",
    "through_hubs": "hubs",
    "jobs in the last period": "jobs",
    "pairs of members": "pairs",
    "links in use": "links",
}
"""Words that fit a terminal."""
_NEGLIGIBLE = 1e-6
"""Members that add less than this share of the gain are left out on the terminal."""


@scenario_command(json=False)
@click.option(
    "--arms-length",
    is_flag=True,
    help="Members outside a coalition may still trade directly, at the larger transaction cost.",
)
@click.option(
    "--joining",
    "newcomer",
    metavar="MEMBER",
    help="Tell instead what happens if this member joins the cluster of all the others: the gain"
    " without and with it, who gains and who loses, before sharing and by every rule.",
)
@integer_option(
    "--orders",
    least=2,
    default=100,
    help="Orders of joining sampled where there are too many members for the exact Shapley value.",
)
@click.option("--exact", is_flag=True, help="The exact Shapley value, however long it takes.")
@time_limit(
    "Take no longer than this in all, or little longer: what is not proven by then, or sampled, is"
    " said.",
    default=300.0,
)
@path_option(
    "--store",
    metavar="VALUES.sqlite",
    help="Keep the values of coalitions in this file, and go on from it.",
)
@STUDY
def share(  # noqa: PLR0913
    call: Call,
    *,
    outputs: Sequence[Path],
    newcomer: str | None,
    exact: bool,
    time_limit: float,
    store: Path | None,
    **options: Any,
) -> None:
    """Tell what a cluster gains over its members alone, why, and how to share it.

    The gain of the cluster by effect; the Owen, Shapley and nucleolus allocations beside rules in
    use; which group would leave under each, and by how much; who pays whom; what if a member
    leaves, or joins.
    """
    scenario = call.scenario(outputs, store=store)
    if not len(scenario.frame("Members")):
        raise Refusal("{file}: no site has a member, so there is nothing to share", file=call.file)
    options |= {
        "seconds": max(1.0, time_limit - call.progress.seconds),
        "exact": True if exact else None,
        "progress": call.progress,
    }
    joins = say("{newcomer} joins", newcomer=plain(newcomer))
    title = f"{scenario.name}: {say('sharing the gain') if newcomer is None else joins}"

    def give(answer: cf.Sharing | cf.Joining) -> None:
        _write(answer, outputs, scenario.settings.currency, call.progress, title)
        lines = sharing_lines(answer) if isinstance(answer, cf.Sharing) else joining_lines(answer)
        call.finish(lambda: [*lines])

    def give_early(answer: cf.Sharing) -> None:
        give(answer)
        note(say("An early answer; a better one follows. Ctrl-C keeps this one."), quiet=call.quiet)

    last = _divided(scenario, newcomer, store, options, give_early)
    if isinstance(last, cf.Sharing) and not last.complete:
        note(say("Stopped: the last answer above stands."), quiet=call.quiet)
    else:
        give(last)
    call.tell_files(outputs)


def _divided(
    scenario: cf.Scenario,
    newcomer: str | None,
    store: Path | None,
    options: dict[str, Any],
    early: Callable[[cf.Sharing], None],
) -> cf.Sharing | cf.Joining:
    """The division of the gain, or what a newcomer does to it."""
    if newcomer is None:
        return cf.share(scenario, store=store, early=early, **options)
    if store is not None:
        raise Refusal("--store keeps the values of one cluster: leave it out with --joining")
    try:
        return cf.joining(scenario, newcomer, **options)
    except ValueError as wrong:
        raise Refusal(f"--joining: {wrong}") from None


@scenario_command(json=False)
@valued_option(
    "--radius",
    "radius_km",
    metavar="KM",
    type=Number(min=0),
    default=100.0,
    help="Longest automatic link of a conventional cluster.",
)
@valued_option(
    "--conventional",
    "conventional_factor",
    metavar="FACTOR",
    type=Number(min=0),
    default=1.0,
    help="Conventional: transaction cost inside, times the larger of the two costs.",
)
@valued_option(
    "--digital",
    "digital_factor",
    metavar="FACTOR",
    type=Number(min=0),
    default=0.5,
    help="Digital and open: transaction cost inside, times the smaller of the two costs.",
)
@STUDY
def forms(call: Call, outputs: Sequence[Path], **options: Any) -> None:
    """Compare a cluster as a conventional one, a digital one and an open ecosystem.

    Conventional: limited radius, dealing inside as dear as outside. Digital: no radius, cheaper
    inside. Open ecosystem: the same, and dealing with places outside is as cheap.
    """
    scenario = call.scenario(outputs)
    comparison = cf.forms(scenario, progress=call.progress, **options)
    title = say("{name}: forms of the cluster", name=scenario.name)
    _write(comparison, outputs, comparison.currency, call.progress, title)
    call.finish(lambda: comparison_lines(comparison), files=outputs)


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE…")
@STUDY
@SET
@QUIET
def compare(
    files: Sequence[Path],
    outputs: Sequence[Path],
    assignments: Sequence[str],
    quiet: bool,
    **options: Any,
) -> None:
    """Solve scenarios and put their plans side by side.

    `--set` changes every one of them; of a single FILE, the changed scenario stands beside the
    file as it is. A scenario without a plan has empty cells, and the reason.
    """
    with Progress(quiet=quiet) as progress:
        calls = [Call(file, assignments, None, quiet, progress) for file in files]
        for call in calls:
            call.check(outputs)
        from circflow.studies.compare import file_labels

        labels = file_labels(files)
        scenarios = [call.scenario() for call in calls]
        if assignments and len(files) == 1:
            labels = [*labels, say("changed")]
            scenarios = [replace(calls[0], assignments=()).scenario(), *scenarios]
        comparison = cf.compare(*scenarios, labels=labels, progress=progress, **options)
        _write(comparison, outputs, comparison.currency, progress, say("Scenarios side by side"))
        calls[0].finish(lambda: comparison_lines(comparison), files=outputs)


# --------------------------------------------------------------------------- output


def _write(
    answer: cf.Sharing | cf.Joining | cf.Comparison,
    outputs: Sequence[Path],
    currency: str,
    progress: Progress,
    title: str,
) -> None:
    if not outputs:
        return
    from circflow.report.study_tables import write_tables

    progress("writing")
    opening = answer.opening() if any(p.suffix.lower() == ".html" for p in outputs) else ()
    for path in outputs:
        write_tables(answer.tables(), path, currency=currency, title=title, opening=opening)


def _headed(names: Iterable[str], **titles: str) -> dict[str, str]:
    """Titles of columns: those that are given, else the words of their names."""
    from circflow.report.vocabulary import heading

    return {name: titles.get(name) or heading(name) for name in names}


def sharing_lines(sharing: cf.Sharing) -> Iterator[str]:
    """What a division of the gain is, in a screenful."""
    from circflow.report.numbers import number, table_lines

    yield from (plain(sharing.scenario), "")
    yield say(
        "Every member alone  {alone}   together  {together}   gain of the cluster  "
        "{gain}  ({unit})",
        alone=number(sharing.alone),
        together=number(sharing.together),
        gain=number(sharing.gain),
        unit=say("million {currency}, discounted", currency=sharing.currency),
    )
    by_period = sharing.money.groupby("period", sort=False)["change_million"].sum()
    if len(by_period) > 1:
        by_name = (f"{plain(name)}  {number(money)}" for name, money in by_period.items())
        yield say("Of it, in money  {by_name}", by_name="   ".join(by_name))
    if sharing.relayed > 0.0:
        relayed = number(sharing.relayed)
        yield say("Places outside could relay between members: {relayed} more", relayed=relayed)
    if len(sharing.effects):
        yield from ("", say("Where the gain comes from"))
        sampled = (sharing.effects["high_million"] > sharing.effects["low_million"]).any()
        names = ["effect", "million", *(["low_million", "high_million"] if sampled else [])]
        ends = {"low_million": say("from"), "high_million": say("to (95 %)")}
        yield from table_lines(sharing.effects, _headed(names, **ends))
    rules = list(dict.fromkeys(sharing.allocations["rule"]))
    wide = sharing.allocations.pivot(index="member", columns="rule", values="million")
    wide = wide.reindex(list(sharing.members)).reset_index()
    shares = table_lines(wide, _headed(["member", *rules]))
    yield from ("", say("Shares of the gain by rule"), *shares)
    if not sharing.nucleolus_proven:
        yield say(
            "  nucleolus was stopped by the time limit: shares after its first stages, no nucleolus"
        )
    yield from (f"  {sentence}" for sentence in sharing.not_done)
    if not sharing.shapley_exact and "shapley" in rules:
        yield say("  shapley is sampled: its 95 % intervals stand in the table allocations")
    head = {"rule": say("rule"), "in_core": say("in core"), "group": say("group that lacks most")}
    core = table_lines(sharing.core, {**head, "lacks_million": say("lacks")}, left=3)
    yield from ("", say("Would a group leave?"), *core)
    if sharing.core_empty:
        subsidy = number(sharing.subsidy)
        yield say(
            "  No division holds every group: {subsidy} million from outside would", subsidy=subsidy
        )
    if not sharing.owen_applies:
        reason = plain(sharing.owen_why_not)
        yield say("  Owen's theorem does not apply: {owen_why_not}", owen_why_not=reason)
    yield from _memberships(sharing)


def _memberships(sharing: cf.Sharing) -> list[str]:
    """What the cluster is worth with and without each member that changes anything."""
    from circflow.report.numbers import table_lines

    rows = sharing.joining[sharing.joining["adds_million"].abs() > _NEGLIGIBLE * abs(sharing.gain)]
    if rows.empty:
        return []
    others = sharing.joining_others[sharing.joining_others["member"].isin(sharing.members)]
    for effect in ("gains", "loses"):
        counts = others["joiner"][others["effect"] == effect].value_counts()
        rows = rows.assign(**{effect: rows["joiner"].map(counts).fillna(0.0)})
    titles = {
        "joiner": say("member"),
        "adds_million": say("adds"),
        "gain_without_million": say("gain without it"),
        "own_change_million": say("own money"),
        "others_change_million": say("others' money"),
        "gains": say("others gain"),
        "loses": say("lose"),
    }
    title = say(
        "What each member adds, and what that changes before any sharing (who: table joining)"
    )
    return ["", title, *table_lines(rows, titles)]


def joining_lines(joining: cf.Joining) -> list[str]:
    """What a newcomer does to a cluster, in a screenful."""
    from circflow.report.numbers import number, table_lines

    before, after = joining.before, joining.after
    rules = list(dict.fromkeys(joining.shares["rule"]))
    wide = joining.shares.pivot(index="member", columns="rule", values="change_million")
    money = joining.money.set_index("member")["change_million"]
    names = [joining.member, *(m for m in after.members if m != joining.member)]
    wide = wide.reindex(names).assign(own=money.reindex(names)).reset_index()
    core = before.core.merge(after.core, on="rule", suffixes=("_before", "_after"))
    titles = {
        "rule": say("rule"),
        "in_core_before": say("in core without it"),
        "in_core_after": say("with it"),
        "group_after": say("group that lacks most"),
        "lacks_million_after": say("lacks"),
    }
    return [
        plain(after.scenario),
        "",
        say(
            "{member} joins: it adds {adds} to the cluster's {together}; the gain of the "
            "cluster goes from {gain} to {gain_2}  (million {currency}, discounted)",
            member=plain(joining.member),
            adds=number(joining.adds),
            together=number(before.together),
            gain=number(before.gain),
            gain_2=number(after.gain),
            currency=after.currency,
        ),
        "",
        say("What it changes: own money before any sharing, and shares of the gain by rule"),
        *table_lines(wide, _headed(["member", "own", *rules], own=say("own money"))),
        "",
        say("Would a group leave?"),
        *table_lines(core, titles, left=4),
    ]


def comparison_lines(comparison: cf.Comparison) -> list[str]:
    """Scenarios side by side, in a screenful."""
    from circflow.report.numbers import table_lines

    size = comparison.table[list(comparison.labels)].abs().max(axis=1)
    shown = comparison.table[size > 0.0].copy()
    shown["figure"] = shown["figure"].str.replace("_", " ")
    for column in ("item", "unit"):
        shown[column] = shown[column].replace(_SHORT)
    shown["unit"] = shown["unit"].astype(str).str.replace("million", "M")
    words = {"item": say_in("figure", "of"), "unit": say_in("measure", "unit")}
    titles = _headed(["figure", "item", "unit", *comparison.labels], **words)
    lines = table_lines(shown, titles, left=3)
    if comparison.composite is not None:
        wide = comparison.composite.scores.pivot(index="scenario", columns="method", values="rank")
        wide = wide.reindex(list(comparison.labels)).dropna().reset_index()
        lines += ["", say("Rank by the composite index (weights: sheet Indicators)")]
        lines += table_lines(wide, _headed(wide.columns))
        if names := comparison.composite.left_out:
            listed = ", ".join(names)
            left_out = say("left out, for want of a figure in one of them: {names}", names=listed)
            lines.append(plain(left_out))
    for name, reason in comparison.reasons.items():
        lines += ["", plain(say("{name} has no plan: {reason}", name=name, reason=reason))]
    return lines
