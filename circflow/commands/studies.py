"""sweep, tornado, alternatives, pareto: many solves of one scenario."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from circflow.commands.common import (
    Number,
    Progress,
    Refusal,
    check_outputs,
    counted,
    file_argument,
    json_option,
    quiet_option,
    read_scenario,
    set_option,
    split_assignment,
    write_json,
)
from circflow.commands.study_parts import (
    HOW,
    PAGED,
    PLOTS,
    STORES,
    TABLES,
    checked,
    decision_options,
    decisions,
    output_option,
    print_table,
    records,
    tell_files,
    worker_options,
)

if TYPE_CHECKING:
    from circflow.studies.sweeps.sweep import Runs


@click.command()
@file_argument()
@click.option("--study", metavar="NAME", help="A study of the sheet Studies.")
@click.option(
    "--vary",
    metavar="'ADDRESS=…'",
    multiple=True,
    help="ADDRESS=from:to:steps or ADDRESS=v1;v2;v3 sets, *= multiplies, += adds; several make a"
    " grid. With --sample: ADDRESS*=low:high or low:high:distribution.",
)
@click.option(
    "--sample",
    "count",
    metavar="N",
    type=click.IntRange(min=1),
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
@click.option(
    "--seed",
    metavar="N",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="With --sample: the same seed gives the same runs.",
)
@click.option("--together", is_flag=True, help="Values of several --vary go together, no grid.")
@click.option("--fix", is_flag=True, help="Keep the yes/no decisions of the scenario's best plan.")
@click.option(
    "--keep",
    metavar="TABLE",
    multiple=True,
    help="Keep a table of every plan, such as flows or prices (in .xlsx and the store).",
)
@click.option(
    "--check-every",
    metavar="K",
    type=click.IntRange(min=0),
    default=250,
    show_default=True,
    help="Check every K-th run against a model built anew; 0: none.",
)
@output_option([*TABLES, *PLOTS, *STORES])
@json_option
@set_option
@decision_options
@worker_options
@quiet_option
def sweep(  # noqa: PLR0913, PLR0917
    file: Path,
    study: str | None,
    vary: Sequence[str],
    count: int | None,
    only: Sequence[str],
    method: str,
    seed: int,
    together: bool,
    fix: bool,
    keep: Sequence[str],
    check_every: int,
    outputs: Sequence[Path],
    json_out: Path | None,
    assignments: Sequence[str],
    gap: float,
    time_limit: float | None,
    relax: bool,
    jobs: int | None,
    dask: str | None,
    resume: bool,
    quiet: bool,
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
    checked(file, outputs, [*TABLES, *PLOTS, *STORES])
    check_outputs(file, text=[json_out])
    store, passing = _store(outputs)
    options: dict[str, Any] = {
        "decisions": decisions(relax, fix),
        "gap": gap,
        "time_limit": time_limit,
        "keep": keep,
        "jobs": jobs,
        "dask": dask,
        "store": store,
        "resume": resume,
        "check_every": check_every or None,
    }
    with Progress(quiet=quiet) as progress:
        progress("reading")
        scenario = read_scenario(file, assignments)
        runs = _swept(scenario, study, vary, count, only, method, seed, together, options, progress)
        progress("writing")
        for path in outputs:
            _write(path, runs.write, lambda: _sweep_figure(runs))
        if json_out is not None:
            write_json(json_out, _runs_json(runs))
    if passing and store is not None:
        for left in (store, Path(f"{store}-wal"), Path(f"{store}-shm")):
            left.unlink(missing_ok=True)
    if not quiet and str(json_out) != "-":
        _tell_runs(runs, outputs)


def _swept(  # noqa: PLR0913, PLR0917
    scenario: Any,
    study: str | None,
    vary: Sequence[str],
    count: int | None,
    only: Sequence[str],
    method: str,
    seed: int,
    together: bool,
    options: dict[str, Any],
    progress: Progress,
) -> Runs:
    from circflow.studies.sweeps.design import parse_values
    from circflow.studies.sweeps.sweep import sample as run_sample
    from circflow.studies.sweeps.sweep import sweep as run_sweep

    edits = [split_assignment(text) for text in vary]
    how = {address: HOW[sign] for address, sign, _ in edits}
    if len(how) < len(edits):
        raise Refusal("an address is varied twice")
    if count is not None:
        given = {a: _range(a, value) for a, _, value in edits} if edits else None
        return run_sample(
            scenario,
            count,
            ranges=given,
            parameters=only or None,
            how=how,
            method=method,
            seed=seed,
            progress=progress,
            **options,
        )
    values = {address: parse_values(value) for address, _, value in edits}
    return run_sweep(
        scenario,
        None if study else values,
        how=how,
        study=study,
        together=together,
        progress=progress,
        **options,
    )


def _range(address: str, text: str) -> list[Any]:
    from circflow.data.cells import BadCellError, parse_number

    parts = [part.strip() for part in text.split(":")]
    if len(parts) not in (2, 3):
        raise Refusal(f"{address}: with --sample write low:high or low:high:distribution")
    try:
        return [parse_number(parts[0]), parse_number(parts[1]), *parts[2:]]
    except BadCellError as problem:
        raise Refusal(f"{address}: {problem.message}") from None


def _store(outputs: Sequence[Path]) -> tuple[Path | None, bool]:
    """The store, and whether it goes when all is done."""
    named = [p for p in outputs if p.suffix.lower() in STORES]
    if len(named) > 1:
        raise Refusal("name one store only")
    if named:
        return named[0], False
    first = next(iter(outputs), None)
    return (Path(f"{first}.sqlite"), True) if first is not None else (None, False)


def _write(path: Path, write: Callable[[Path], Any], figure: Callable[[], Any]) -> None:
    ending = path.suffix.lower()
    if ending in PLOTS:
        figure().write(path)
    elif ending in TABLES:
        write(path)


def _sweep_figure(runs: Runs) -> Any:
    from circflow.studies.plots import sweep_plot

    return sweep_plot(runs)


def _runs_json(runs: Runs) -> dict[str, Any]:
    return {
        **runs.scenario.about,
        "runs": records(runs.table),
        "notes": runs.notes,
        "seconds": runs.seconds,
    }


def _tell_runs(runs: Runs, outputs: Sequence[Path]) -> None:
    table = runs.table
    shown = [*runs.parameters, "objective_million", "status"]
    if len(table) <= 40:
        print_table(table[shown])
    else:
        good = table["objective_million"].dropna()
        if len(good):
            quantiles = good.quantile([0.05, 0.5, 0.95]).tolist()
            click.echo(
                f"objective, million {runs.scenario.settings.currency}: "
                f"lowest {good.min():,.1f}, 5 % {quantiles[0]:,.1f}, median {quantiles[1]:,.1f}, "
                f"95 % {quantiles[2]:,.1f}, highest {good.max():,.1f}"
            )
    counts = table["status"].value_counts()
    click.echo(
        f"{counted(len(table), 'run')}: "
        + ", ".join(f"{n} {status}" for status, n in counts.items())
    )
    for text in runs.notes:
        click.echo(text, err=True)
    tell_files(outputs)


@click.command()
@file_argument()
@click.option(
    "--sheet",
    "sheets",
    metavar="NAME",
    multiple=True,
    help="Vary every figure of this sheet, instead of the rows of Ranges.",
)
@click.option(
    "--share",
    metavar="SHARE",
    type=Number(min=0, min_open=True),
    default=0.2,
    show_default=True,
    help="With --sheet: by so much down and up.",
)
@click.option("--fix", is_flag=True, help="Keep the yes/no decisions of the scenario's best plan.")
@output_option([*TABLES, *PLOTS])
@json_option
@set_option
@decision_options
@worker_options
@quiet_option
def tornado(  # noqa: PLR0913, PLR0917
    file: Path,
    sheets: Sequence[str],
    share: float,
    fix: bool,
    outputs: Sequence[Path],
    json_out: Path | None,
    assignments: Sequence[str],
    gap: float,
    time_limit: float | None,
    relax: bool,
    jobs: int | None,
    dask: str | None,
    resume: bool,
    quiet: bool,
) -> None:
    """Rank uncertain figures by their effect: each at its low and at its high, alone.

    The figures are the rows of the sheet Ranges, or all figures of the sheets named.
    """
    checked(file, outputs, [*TABLES, *PLOTS])
    check_outputs(file, text=[json_out])
    store, _ = _store(outputs)
    with Progress(quiet=quiet) as progress:
        progress("reading")
        scenario = read_scenario(file, assignments)
        from circflow.studies.sweeps.tornado import tornado as run_tornado

        study = run_tornado(
            scenario,
            sheets=sheets,
            share=share,
            decisions=decisions(relax, fix),  # type: ignore[arg-type]
            gap=gap,
            time_limit=time_limit,
            jobs=jobs,
            dask=dask,
            store=store,
            resume=resume,
            progress=progress,
        )
        progress("writing")
        from circflow.studies.plots import tornado_plot

        for path in outputs:
            _write(path, study.write, lambda: tornado_plot(study))
        if json_out is not None:
            content = {**scenario.about, "base": study.base}
            write_json(json_out, {**content, "effects": records(study.table)})
    if store is not None:
        for left in (store, Path(f"{store}-wal"), Path(f"{store}-shm")):
            left.unlink(missing_ok=True)
    if not quiet and str(json_out) != "-":
        click.echo(f"objective: {study.base:,.1f} million {scenario.settings.currency}")
        columns = ["rank", "parameter", "low", "high", "low_effect_million", "high_effect_million"]
        print_table(study.table[columns].head(30))
        for text in study.notes:
            click.echo(text, err=True)
        tell_files(outputs)


@click.command()
@file_argument()
@click.option(
    "--within",
    metavar="SHARE",
    type=Number(min=0),
    default=0.01,
    show_default=True,
    help="How much of the best plan's worth may be given up.",
)
@click.option(
    "--count",
    metavar="N",
    type=click.IntRange(min=1),
    default=6,
    show_default=True,
    help="How many alternatives to keep.",
)
@output_option(PAGED)
@json_option
@set_option
@decision_options
@quiet_option
def alternatives(  # noqa: PLR0913, PLR0917
    file: Path,
    within: float,
    count: int,
    outputs: Sequence[Path],
    json_out: Path | None,
    assignments: Sequence[str],
    gap: float,
    time_limit: float | None,
    relax: bool,
    quiet: bool,
) -> None:
    """Find plans nearly as good as the best that differ most, and what stands in all of them."""
    checked(file, outputs, PAGED)
    check_outputs(file, text=[json_out])
    with Progress(quiet=quiet) as progress:
        progress("reading")
        scenario = read_scenario(file, assignments)
        from circflow.studies.tradeoffs.near_optimal import near_optimal

        found = near_optimal(
            scenario,
            within,
            count=count,
            decisions=decisions(relax),  # type: ignore[arg-type]
            gap=gap,
            time_limit=time_limit,
            progress=progress,
        )
        progress("writing")
        for path in outputs:
            found.write(path)
        if json_out is not None:
            content = {**scenario.about, "best": found.best, "within": within}
            tables = {"plans": records(found.table), "units": records(found.units)}
            write_json(json_out, {**content, **tables})
    if not quiet and str(json_out) != "-":
        print_table(found.units[["unit", "status", "lowest", "highest", "best", "verdict"]])
        click.echo("")
        print_table(found.table[["plan", "objective_million", "short_of_best", "distance"]])
        tell_files(outputs)


@click.command()
@file_argument()
@click.option(
    "--trade",
    metavar="GOAL GOAL",
    nargs=2,
    required=True,
    help="Two of value, synergy, jobs, emission:<pollutant>, disposed.",
)
@click.option(
    "--points",
    metavar="N",
    type=click.IntRange(min=2),
    default=11,
    show_default=True,
    help="Points of the curve, its ends included.",
)
@output_option([*TABLES, *PLOTS])
@json_option
@set_option
@decision_options
@quiet_option
def pareto(  # noqa: PLR0913, PLR0917
    file: Path,
    trade: tuple[str, str],
    points: int,
    outputs: Sequence[Path],
    json_out: Path | None,
    assignments: Sequence[str],
    gap: float,
    time_limit: float | None,
    relax: bool,
    quiet: bool,
) -> None:
    """Draw the trade-off between two goals: what one more unit of the second costs of the first."""
    checked(file, outputs, [*TABLES, *PLOTS])
    check_outputs(file, text=[json_out])
    with Progress(quiet=quiet) as progress:
        progress("reading")
        scenario = read_scenario(file, assignments)
        from circflow.studies.tradeoffs.pareto import pareto as run_pareto

        front = run_pareto(
            scenario,
            trade,
            points=points,
            decisions=decisions(relax),  # type: ignore[arg-type]
            gap=gap,
            time_limit=time_limit,
            progress=progress,
        )
        progress("writing")
        from circflow.studies.plots import pareto_plot

        for path in outputs:
            _write(path, front.write, lambda: pareto_plot(front))
        if json_out is not None:
            content = {**scenario.about, "goals": front.goals, "units": front.units}
            write_json(json_out, {**content, "points": records(front.table)})
    if not quiet and str(json_out) != "-":
        names = list(front.table.columns[1:6])
        print_table(front.table[["point", *names]])
        tell_files(outputs)
