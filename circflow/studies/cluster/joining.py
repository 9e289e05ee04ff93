"""One member joins a cluster: what the others share without it, and with it.

The cluster of all other members is the base; the newcomer is in the scenario, on its own (at arm's
length it already deals with the members, at the larger of the two transaction costs). Then it
joins. Both clusters have the same W(∅), so the gains compare: g(N) − g(N − i) is what the newcomer
adds. An enterprise that is not in the scenario yet is first put there, like any member.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from circflow.data.arguments import public
from circflow.data.result import Result, figure, one_text_type
from circflow.data.scenario import Scenario
from circflow.i18n import say
from circflow.studies.cluster.leaving import effect
from circflow.studies.cluster.sharing import Sharing, share
from circflow.studies.progress import Clock

if TYPE_CHECKING:
    from circflow.report.page.frame import Section

TOTALS = (
    "together_million",
    "gain_million",
    "least_core_epsilon_million",
    "core_empty",
    "subsidy_million",
)
"""Figures of a division that are compared."""


@dataclass(frozen=True, repr=False)
class Joining(Result):
    """A cluster without and with a newcomer. Money: discounted million over the horizon."""

    member: str
    """Who joins."""
    before: Sharing
    """The cluster of the others."""
    after: Sharing
    """The cluster of all."""

    @property
    def headline(self) -> str:
        return say(
            "{scenario}: {member} adds {adds} million {currency} to the cluster",
            scenario=self.after.scenario,
            member=self.member,
            adds=figure(self.adds),
            currency=self.after.currency,
        )

    @property
    def adds(self) -> float:
        """What the newcomer adds: W(N) − W(N − i), million."""
        return self.after.together - self.before.together

    @property
    def totals(self) -> pd.DataFrame:
        """figure, without, with, change: value, gain, least core."""
        figures = [s.totals.set_index("figure")["value"] for s in (self.before, self.after)]
        rows: list[dict[str, Any]] = []
        for name in TOTALS:
            without, joined = (f[name] for f in figures)
            both = not isinstance(without, str)
            change = joined - without if both else ""
            rows.append({"figure": name, "without": without, "with": joined, "change": change})
        return pd.DataFrame(rows).astype({"without": object, "with": object, "change": object})

    @property
    def money(self) -> pd.DataFrame:
        """member, alone_million, without_million, with_million, change_million, effect: own money
        before any sharing; the newcomer is in the first row."""
        without, joined = (
            s.money.groupby("member", sort=False)[["alone_million", "together_million"]].sum()
            for s in (self.before, self.after)
        )
        table = _beside(without["together_million"], joined["together_million"], joined.index)
        table.insert(0, "alone_million", without["alone_million"])
        return self._compared(table)

    @property
    def shares(self) -> pd.DataFrame:
        """rule, member, without_million, with_million, change_million, effect: shares of the gain
        by every rule; that of the newcomer is 0 without it."""
        without, joined = (
            s.allocations.set_index(["rule", "member"])["million"]
            for s in (self.before, self.after)
        )
        return self._compared(_beside(without, joined, joined.index))

    @property
    def effects(self) -> pd.DataFrame:
        """effect, without_million, with_million, change_million: the synergy by effect."""
        without, joined = (
            s.effects.set_index("effect")["million"] for s in (self.before, self.after)
        )
        names = list(dict.fromkeys([*joined.index, *without.index]))
        table = _beside(without, joined, pd.Index(names, name="effect")).reset_index()
        return table.assign(change_million=table["with_million"] - table["without_million"])

    def _compared(self, table: pd.DataFrame) -> pd.DataFrame:
        """The table with the change and its effect, the newcomer first."""
        table = table.reset_index()
        change = (table["with_million"] - table["without_million"]).to_numpy(float).copy()
        scale = max(abs(self.before.gain), abs(self.after.gain))
        change[np.abs(change) <= 1e-9 * scale] = 0.0
        table = table.assign(change_million=change, effect=effect(change, scale))
        order = (table["member"] != self.member).to_numpy()
        groups = table["rule"].factorize()[0] if "rule" in table else 0
        return table.iloc[np.argsort(order + 2 * groups, kind="stable")].reset_index(drop=True)

    def opening(self) -> list[Section]:
        """What its page says first."""
        from circflow.report.page.comparison import joining_opening

        return joining_opening(self.tables(), self.member, self.after.currency)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table, by name; those of the cluster with the newcomer are as in `share`."""
        tables = {
            "totals": self.totals,
            "shares": self.shares,
            "money": self.money,
            "effects_compared": self.effects,
            "core_without": self.before.core,
            "core_with": self.after.core,
            "transfers": self.after.transfers,
            **self.after.cluster.scenario.changes_table,
        }
        return one_text_type(tables)


def _beside(without: pd.Series[float], joined: pd.Series[float], index: pd.Index) -> pd.DataFrame:
    """What there is without and with the newcomer, 0 where a cluster has none."""
    return pd.DataFrame(
        {
            "without_million": without.reindex(index).fillna(0.0).astype(float),
            "with_million": joined.reindex(index).fillna(0.0).astype(float),
        }
    )


@public
def joining(
    scenario: Scenario,
    member: str,
    *,
    seconds: float | None = None,
    progress: Callable[[str], None] | None = None,
    **options: Any,
) -> Joining:
    """What happens if a member joins the cluster of all the others.

    Args:
        scenario: from `circflow.read`.
        member: of the sheet Members, with its sites, units and streams: the newcomer.
        seconds: for both clusters together.
        progress: is told what goes on.
        options: as of `share` (`arms_length`, `gap`, `jobs`, `dask`, `orders`, `exact`, `split`,
            `seed`).

    Raises:
        StudyError: not a member, or there is no other.
        CannotStandAloneError, NoPlan: as of `share`.
    """
    tell = progress or (lambda _: None)
    without, joined = say("without {member}", member=member), say("with {member}", member=member)
    clock = Clock(seconds)

    def shared(apart: list[str], stage: str, seconds: float | None) -> Sharing:
        return share(
            scenario,
            apart=apart,
            seconds=seconds,
            progress=lambda text: tell(f"{stage}: {text}"),
            **{**options, "memberships": False},
        )

    return Joining(
        member, shared([member], without, clock.part(0.5)), shared([], joined, clock.left)
    )
