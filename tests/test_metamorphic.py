"""What must hold between the answers to related scenarios, whatever the figures.

The regions, the relations and the judge are those of `python -m circflow.fuzz`, which goes on as
long as one likes (docs/testing.md). The examples are the same at every run; a failing one is
checked again by
`python -m circflow.fuzz --replay test/NUMBER`.
"""

from __future__ import annotations

from random import Random

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from circflow.fuzz import judge, remedies
from circflow.fuzz.judge import Finding
from circflow.fuzz.regions import region


def _stable(examples: int) -> settings:
    return settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],  # a case is a seed: smaller ones are no simpler
        suppress_health_check=list(HealthCheck),
    )


CASES = st.integers(0, 10**9)


def _findings(case: str) -> list[str]:
    checked = judge.judge(region(Random(case)), case)
    return [one.text for one in checked if isinstance(one, Finding)]


@_stable(5)
@given(number=CASES)
def test_related_scenarios_have_related_answers(number: int) -> None:
    case = f"test/{number}"
    assert _findings(case) == []


@_stable(2)
@given(number=CASES)
def test_explanations_say_what_is_so(number: int) -> None:
    case = f"test/{number}"
    sheets = remedies.blocked_region(Random(case))
    if sheets is not None:
        checked = list(remedies.judge(sheets, case))
        assert [one.text for one in checked if isinstance(one, Finding)] == []
