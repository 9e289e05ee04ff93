"""Shared by the tests of studies: the production game of Owen (1975) with a known result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

M = 1e6
Production = Callable[[dict[str, tuple[float, float]]], dict[str, Any]]


@pytest.fixture(scope="session")
def production() -> Production:
    """Sheets of a cluster, from what each member owns of two resources."""
    return _production


def _production(owned: dict[str, tuple[float, float]]) -> dict[str, Any]:
    """Members who own two resources and can each make two products of them."""
    recipes = []
    for product, (first, second) in {"p": (4.0, 6.0), "q": (5.0, 2.0)}.items():
        for role, material, amount in (
            ("input", "r1", first),
            ("input", "r2", second),
            ("output", product, 1.0),
        ):
            recipes.append(
                {
                    "technology": "make",
                    "recipe": product,
                    "role": role,
                    "material": material,
                    "amount": amount,
                }
            )
    return {
        "Scenario": {"auto_links": False},
        "Sites": [{"site": s, "member": s} for s in owned],
        "Materials": [
            *({"material": k, "category": "waste"} for k in ("r1", "r2")),
            *({"material": k, "category": "product"} for k in ("p", "q")),
        ],
        "Streams": [
            {"site": s, "material": k, "amount_per_year": a, "must_handle": False}
            for s, amounts in owned.items()
            for k, a in zip(("r1", "r2"), amounts, strict=True)
        ],
        "Recipes": recipes,
        "Units": [
            {"unit": f"works {s}", "site": s, "technology": "make", "capacity_per_year": 1e4}
            for s in owned
        ],
        "Markets": [
            {"site": s, "material": k, "price": price * M}
            for s in owned
            for k, price in (("p", 68.0), ("q", 52.0))
        ],
        "Links": [
            {"from": a, "to": b, "material": k, "cost": 0.0}
            for a in owned
            for b in owned
            if a != b
            for k in ("r1", "r2")
        ],
    }
