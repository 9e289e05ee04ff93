"""Anything as JSON: tables are lists of records, and what is not finite is null."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any


def json_text(content: Any) -> str:
    """The content as indented JSON with a line end."""
    return json.dumps(jsonable(content), ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def jsonable(value: Any, digits: int | None = None) -> Any:
    """The value in JSON's own types, floats to so many digits where said; not finite is null."""
    if isinstance(value, float):
        exact = float(value) if digits is None else float(f"{value:.{digits}g}")
        return exact if math.isfinite(exact) else None
    if value is None or isinstance(value, bool | int | str):
        return str(value) if isinstance(value, str) else value
    if hasattr(value, "tolist") or hasattr(value, "to_dict"):  # of numpy, or a table
        plain = value.tolist() if hasattr(value, "tolist") else value.to_dict("records")
        return jsonable(plain, digits)
    if isinstance(value, Mapping):
        return {str(k): jsonable(v, digits) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [jsonable(v, digits) for v in value]
    return str(value)
