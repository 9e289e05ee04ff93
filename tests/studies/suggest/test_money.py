"""Money of other currencies and years, by stated rates."""

from __future__ import annotations

import math

import pytest

from circflow.studies.errors import StudyError
from circflow.studies.suggest.money import read_rates


def test_the_rate_of_the_year_goes_before_that_of_any_year_and_the_last_before_the_first() -> None:
    rates = read_rates("RUB", ["USD 2023=95; USD = 90", "EUR=100", "USD 2023 = 96,5"])
    assert rates.factor("USD", 2023) == 96.5
    assert rates.factor("USD", 2020) == 90.0
    assert rates.factor("USD", math.nan) == 90.0
    assert rates.factor("EUR", 2023) == 100.0
    assert rates.factor("RUB", 2023) == 1.0


def test_what_is_not_stated_is_asked_for_not_guessed() -> None:
    with pytest.raises(StudyError, match=r"one USD of 2023 .* --rate 'USD 2023=…'"):
        read_rates("RUB", ["EUR=100"]).factor("USD", 2023)


@pytest.mark.parametrize(
    "text", ["USD", "USD=", "USD=0", "USD=-3", "USD=inf", "2023=5", "USD 23=5"]
)
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(StudyError, match="is not a rate"):
        read_rates("RUB", [text])
