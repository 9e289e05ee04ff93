"""What a person sees of a result at a prompt and in a notebook, and one kind of text in tables."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from circflow.i18n import localised, say

_ROWS_SHOWN = 20
_COLUMNS_SHOWN = 12
_NUMBERS = ("floating", "integer", "mixed-integer-float", "decimal")
_TEXT = {str, type(None)}
R = TypeVar("R")


class Result:
    """Something that a public function returns: a short text, and a view in a notebook.

    A class says its `headline`; the view adds its first table. Text columns of the tables hold
    Python strings, and None where there is no text (dtype object), whatever pandas would infer.
    """

    @property
    def headline(self) -> str:
        """What it is, in one line."""
        return ""

    def __post_init__(self) -> None:
        assert is_dataclass(self)
        for one in fields(self):
            value = getattr(self, one.name)
            if isinstance(value, pd.DataFrame | dict):
                object.__setattr__(self, one.name, one_text_type(value))

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.headline}>"

    def _repr_html_(self) -> str:
        head = f"<p><b>{type(self).__name__}</b>: {html.escape(self.headline)}</p>"
        table = self._first_table()
        return head if table is None else head + _as_html(table)

    def _first_table(self) -> pd.DataFrame | None:
        tables: Any = getattr(self, "tables", None)
        listed = tables() if callable(tables) else {}
        values: list[Any] = (
            [getattr(self, f.name) for f in fields(self)] if is_dataclass(self) else []
        )
        every = [*listed.values(), *values]
        return next((t for t in every if isinstance(t, pd.DataFrame)), None)


def _as_html(table: pd.DataFrame) -> str:
    shown = table.head(_ROWS_SHOWN).to_html(
        max_cols=_COLUMNS_SHOWN, index=False, escape=True, na_rep="", border=0
    )
    more = len(table) - _ROWS_SHOWN
    return shown + (("<p>" + say("and {more:,} more rows", more=more) + "</p>") if more > 0 else "")


def figure(value: float | None) -> str:
    """A figure in a headline."""
    return "–" if value is None or value != value else localised(f"{value:,.6g}")  # noqa: PLR0124


def one_text_type(value: R) -> R:
    """Tables (one, or a dict with some) whose text columns hold Python strings and None (dtype
    object), and whose numbers are numbers; anything else as it is."""
    if isinstance(value, pd.DataFrame):
        return _uniform(value)  # type: ignore[return-value]
    if isinstance(value, dict) and any(isinstance(v, pd.DataFrame) for v in value.values()):
        return {k: one_text_type(v) for k, v in value.items()}  # type: ignore[return-value]
    return value


def stacked(tables: Iterable[pd.DataFrame | None], columns: Sequence[str] = ()) -> pd.DataFrame:
    """The tables that have rows as one; without any, the columns alone."""
    full = [table for table in tables if table is not None and len(table)]
    return pd.concat(full, ignore_index=True) if full else pd.DataFrame(columns=list(columns))


def _uniform(table: pd.DataFrame) -> pd.DataFrame:
    columns: dict[Any, Any] = {}
    for name, column in table.items():
        dtype = column.dtype
        if isinstance(dtype, pd.StringDtype):
            columns[name] = column.astype(object).where(column.notna(), None)
        elif isinstance(dtype, np.dtype) and dtype.kind == "O" and len(table):
            if set(map(type, column.to_numpy())) <= _TEXT:
                continue
            kind = pd.api.types.infer_dtype(column, skipna=True)
            if kind in _NUMBERS:
                columns[name] = column.astype(float)
            elif kind == "string" and any(v is not None for v in column[column.isna()]):
                columns[name] = column.where(column.notna(), None)
    return table.assign(**columns) if columns else table
