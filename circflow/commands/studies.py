"""sweep, tornado, alternatives, pareto: many solves of one scenario."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import circflow as cf
from circflow.commands.common import (
    HOW,
    Call,
    Refusal,
    print_table,
    split_assignment,
)
from circflow.commands.options import (
    FIX,
    PAGED,
    PLOTS,
    RESUME,
    SEARCH,
    STORES,
    TABLES,
    Number,
    decisions,
    integer_option,
    output,
    scenario_command,
    seed,
    valued_option,
)
from circflow.i18n import say, say_n

if TYPE_CHECKING:
    from circflow.studies.plots import Figure


@scenario_command()
@click.option("--study", metavar="NAME", help="A study of the sheet Studies.")
@click.option(
    "--vary",
    metavar="'ADDRESS=…'",
    multiple=True,
    help="ADDRESS=from:to:steps or ADDRESS=v1;v2;v3 sets, *= multiplies, += adds; several make a"
    " grid. With --sample: ADDRESS*=low:high or low:high:distribution.",
)
@integer_option(
    "--sample",
    "count",
    help="N random points of the ranges in --vary, or else of the sheet Ranges.",
)
@click.option(
    "--only",
    metavar="ADDRESS",
    multiple=True,
    help="With --sample: only this row of the sheet Ranges; may be given several times.",
)
@click.option(
    "--method",
    type=click.Choice(["lhs", "sobol", "random"]),
    default="lhs",
    show_default=True,
    help="With --sample: Latin hypercube, Sobol sequence, or plain random numbers.",
)
@seed("With --sample: the same seed gives the same runs.")
@click.option("--together", is_flag=True, help="Values of several --vary go together, no grid.")
@FIX
@click.option(
    "--keep",
    metavar="TABLE",
    multiple=True,
    help="Keep a table of every plan, such as flows or prices (in .xlsx and the store).",
)
@integer_option(
    "--check-every",
    metavar="K",
    least=0,
    default=250,
    help="Check every K-th run against a model built anew; 0: none.",
)
@output([*TABLES, *PLOTS, *STORES])
@SEARCH
@RESUME
def sweep(  # noqa: PLR0913
    call: Call,
    *,
    study: str | None,
    vary: Sequence[str],
    count: int | None,
    only: Sequence[str],
    method: str,
    seed: int,
    together: bool,
    fix: bool,
    check_every: int,
    outputs: Sequence[Path],
    relax: bool,
    **options: Any,
) -> None:
    """Solve a scenario many times: values of its figures, a named study, or random samples.

    Runs are written to a SQLite file as they finish (named with -o, or beside the first OUT until
    all is done), so that --resume goes on after an interruption.
    """
    if study is not None and (vary or count):
        raise Refusal("--study stands alone: leave out --vary and --sample")
    if study is None and not vary and not count:
        raise Refusal("say what to vary: --study NAME, --vary 'ADDRESS=…' or --sample N")
    if only and (vary or not count):
        raise Refusal("--only names rows of Ranges: it goes with --sample, without --vary")
    scenario = _scenario(call, outputs, STORES)
    options |= {
        "decisions": decisions(relax, fix),
        "check_every": check_every or None,
        "progress": call.progress,
    }
    with _store(outputs) as options["store"]:
        if count is None:
            runs = swept(scenario, study, vary, together=together, **options)
        else:
            picked = {"parameters": only or None, "method": method, "seed": seed}
            runs = _sampled(scenario, count, vary, **picked, **options)
        _write(call, runs.write, lambda plots: plots.sweep_plot(runs), outputs)
    content = {**scenario.about, "runs": runs.table, "notes": runs.notes, "seconds": runs.seconds}
    call.finish(lambda: _show_runs(runs), lambda: content, outputs, runs.notes)


def _varied(vary: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """What is done to each address, and the text of its values."""
    edits = [split_assignment(text) for text in vary]
    how = {address: HOW[sign] for address, sign, _ in edits}
    if len(how) < len(edits):
        raise Refusal("an address is varied twice")
    return how, {address: value for address, _, value in edits}


def swept(scenario: cf.Scenario, study: str | None, vary: Sequence[str], **options: Any) -> cf.Runs:
    """The runs of a study, or of values by address as --vary takes them."""
    from circflow.studies.sweeps.design import parse_values

    how, texts = _varied(vary)
    values = {address: parse_values(text) for address, text in texts.items()}
    varied = None if study else values or None  # without either, both are asked for
    return cf.sweep(scenario, varied, how=how, study=study, **options)


def _sampled(scenario: cf.Scenario, count: int, vary: Sequence[str], **options: Any) -> cf.Runs:
    how, texts = _varied(vary)
    ranges = {address: _range(address, text) for address, text in texts.items()}
    return cf.sample(scenario, count, ranges=ranges or None, how=how, **options)


def _range(address: str, text: str) -> list[Any]:
    from circflow.data.cells import BadCellError, parse_number

    parts = [part.strip() for part in text.split(":")]
    if len(parts) not in (2, 3):
        raise Refusal(
            "{address}: with --sample write low:high or low:high:distribution", address=address
        )
    try:
        return [parse_number(parts[0]), parse_number(parts[1]), *parts[2:]]
    except BadCellError as problem:
        raise Refusal(f"{address}: {problem.message}") from None


def _scenario(call: Call, outputs: Sequence[Path], more: Sequence[str] = ()) -> cf.Scenario:
    if any(path.suffix.lower() in PLOTS for path in outputs):
        from importlib.util import find_spec

        if find_spec("matplotlib") is None:
            raise Refusal("plots need Matplotlib: pip install 'circflow[plots]'")
    return call.scenario(outputs, [*TABLES, *PLOTS, *more])


@contextmanager
def _store(outputs: Sequence[Path]) -> Iterator[Path | None]:
    """The store named; else one beside the first output, which goes when all is done."""
    named = [p for p in outputs if p.suffix.lower() in STORES]
    if len(named) > 1:
        raise Refusal("name one store only")
    if named or not outputs:
        yield next(iter(named), None)
        return
    store = Path(f"{outputs[0]}.sqlite")
    yield store
    for left in (store, Path(f"{store}-wal"), Path(f"{store}-shm")):
        left.unlink(missing_ok=True)


def _write(
    call: Call,
    write: Callable[[Path], Any],
    figure: Callable[[Any], Figure],
    outputs: Sequence[Path],
) -> None:
    call.progress("writing")
    for path in outputs:
        if path.suffix.lower() in PLOTS:
            from circflow.studies import plots

            figure(plots).write(path)
        elif path.suffix.lower() in TABLES:
            write(path)


def _show_runs(runs: cf.Runs) -> None:
    table = runs.table
    shown = [*runs.parameters, "objective_million", "status"]
    if len(table) <= 40:
        print_table(table[shown])
    else:
        good = table["objective_million"].dropna()
        if len(good):
            names = ("min", "quantiles", "quantiles_2", "quantiles_3", "max")
            figures = good.quantile([0.0, 0.05, 0.5, 0.95, 1.0]).tolist()
            text = say(
                "objective, million {currency}: lowest {min:,.1f}, 5 % {quantiles:,.1f}, "
                "median {quantiles_2:,.1f}, 95 % {quantiles_3:,.1f}, highest {max:,.1f}",
                currency=runs.scenario.settings.currency,
                **dict(zip(names, figures, strict=True)),
            )
            click.echo(text)
    counts = table["status"].value_counts()
    count = say_n("{n} run", "{n} runs", len(table))
    click.echo(f"{count}: " + ", ".join(f"{n} {say(str(status))}" for status, n in counts.items()))


@scenario_command()
@click.option(
    "--sheet",
    "sheets",
    metavar="NAME",
    multiple=True,
    help="Vary every figure of this sheet, instead of the rows of Ranges.",
)
@valued_option(
    "--share",
    metavar="SHARE",
    type=Number(min=0, min_open=True),
    default=0.2,
    help="With --sheet: by so much down and up.",
)
@FIX
@output([*TABLES, *PLOTS])
@SEARCH
@RESUME
def tornado(call: Call, fix: bool, outputs: Sequence[Path], relax: bool, **options: Any) -> None:
    """Rank uncertain figures by their effect: each at its low and at its high, alone.

    The figures are the rows of the sheet Ranges, or all figures of the sheets named.
    """
    scenario = _scenario(call, outputs)
    options |= {"decisions": decisions(relax, fix), "progress": call.progress}
    with _store(outputs) as store:
        study = cf.tornado(scenario, store=store, **options)
        _write(call, study.write, lambda plots: plots.tornado_plot(study), outputs)

    def show() -> None:
        currency = scenario.settings.currency
        text = say("objective: {base:,.1f} million {currency}", base=study.base, currency=currency)
        click.echo(text)
        columns = ["rank", "parameter", "low", "high", "low_effect_million", "high_effect_million"]
        print_table(study.table[columns].head(30))

    content = {**scenario.about, "base": study.base, "effects": study.table}
    call.finish(show, lambda: content, outputs, study.notes)


@scenario_command()
@valued_option(
    "--within",
    metavar="SHARE",
    type=Number(min=0),
    default=0.01,
    help="How much of the best plan's worth may be given up.",
)
@integer_option("--count", default=6, help="How many alternatives to keep.")
@output(PAGED)
@SEARCH
def alternatives(
    call: Call, within: float, outputs: Sequence[Path], relax: bool, **options: Any
) -> None:
    """Find plans nearly as good as the best that differ most, and what stands in all of them."""
    scenario = call.scenario(outputs, PAGED)
    options |= {"decisions": decisions(relax), "progress": call.progress}
    plans = cf.near_optimal(scenario, within, **options)

    def show() -> None:
        print_table(plans.units[["unit", "status", "lowest", "highest", "best", "verdict"]])
        click.echo("")
        print_table(plans.table[["plan", "objective_million", "short_of_best", "distance"]])

    content = {**scenario.about, "best": plans.best, "within": within}
    content |= {"plans": plans.table, "units": plans.units}
    call.finish(show, lambda: content, outputs, write=plans.write)


@scenario_command()
@click.option(
    "--trade",
    metavar="GOAL GOAL",
    nargs=2,
    required=True,
    help="Two of value, synergy, jobs, emission:<pollutant>, disposed.",
)
@integer_option("--points", least=2, default=11, help="Points of the curve, its ends included.")
@output([*TABLES, *PLOTS])
@SEARCH
def pareto(
    call: Call, trade: tuple[str, str], outputs: Sequence[Path], relax: bool, **options: Any
) -> None:
    """Draw the trade-off between two goals: what one more unit of the second costs of the first."""
    scenario = _scenario(call, outputs)
    options |= {"decisions": decisions(relax), "progress": call.progress}
    front = cf.pareto(scenario, trade, **options)
    _write(call, front.write, lambda plots: plots.pareto_plot(front), outputs)
    names = list(front.table.columns[1:6])
    content = {**scenario.about, "goals": front.goals, "units": front.units}
    call.finish(
        lambda: print_table(front.table[["point", *names]]),
        lambda: {**content, "points": front.table},
        outputs,
    )
