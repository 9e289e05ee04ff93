"""Money of other currencies and years, by stated rates.

A rate says what one unit of a currency of a year is worth in the scenario's money:
`USD 2023 = 110.9`, or `USD = 105` for any year. Several are separated by semicolons.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from circflow.i18n import say
from circflow.studies.errors import StudyError

_RATE = re.compile(r"\s*([^\W\d]+)\s*(\d{4})?\s*=\s*(\S+)\s*")


@dataclass(frozen=True)
class Rates:
    """Rates to the scenario's currency, by currency and year (None: of any year)."""

    currency: str
    stated: dict[tuple[str, int | None], float] = field(default_factory=dict)

    def factor(self, currency: str, year: float) -> float:
        """Scenario's money per unit of a currency of a year (NaN: any year).

        The scenario's own currency counts 1 where no rate is stated. Raises `StudyError` where
        the rate of another currency is not stated.
        """
        of_year = None if math.isnan(year) else int(year)
        for key in ((currency, of_year), (currency, None)):
            if key in self.stated:
                return self.stated[key]
        if currency == self.currency:
            return 1.0
        label = f"{currency} {of_year}"
        raise StudyError(
            say(
                "state what one {code} of {year} is worth in {own}: --rate '{label}=…', or the key "
                "rates of the sheet Scenario",
                code=currency,
                year=of_year,
                own=self.currency,
                label=label,
            )
            if of_year
            else say(
                "state what one {code} is worth in {own}: --rate '{code}=…', or the key rates of "
                "the sheet Scenario",
                code=currency,
                own=self.currency,
            )
        )


def read_rates(currency: str, texts: Iterable[str]) -> Rates:
    """Rates as they are written; later ones replace earlier ones of the same currency and year.

    Raises `StudyError` where one cannot be read.
    """
    stated: dict[tuple[str, int | None], float] = {}
    for part in (p for text in texts for p in text.split(";") if p.strip()):
        match = _RATE.fullmatch(part)
        value = _number(match[3]) if match else math.nan
        if match is None or not value > 0.0 or math.isinf(value):
            raise StudyError(
                "{strip!r} is not a rate: write CURRENCY YEAR=VALUE, such as 'USD 2023=95'",
                strip=part.strip(),
            )
        stated[match[1], int(match[2]) if match[2] else None] = value
    return Rates(currency, stated)


def _number(text: str) -> float:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return math.nan
