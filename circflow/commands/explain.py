"""explain: why there is no plan."""

from __future__ import annotations

from circflow.commands.common import Call
from circflow.commands.options import scenario_command
from circflow.i18n import say


@scenario_command()
def explain(call: Call) -> None:
    """Why a scenario has no plan, in cells, and the smallest changes that make one.

    Without a feasible plan: the conditions that cannot hold together, as few as possible, and for
    each the least change that ends the conflict, tried by solving again. Without a bounded plan:
    the prices that make money without end. Exit code 0 once explained, also where there is a plan.
    """
    scenario = call.scenario()
    from circflow.solver.explain import explain as find

    call.progress(say("looking for what stands in the way"))
    explanation = find(scenario)
    call.finish(explanation.lines, explanation.summary)
