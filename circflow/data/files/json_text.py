"""Anything as JSON: tables are lists of records, and what is not finite is null."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any


def json_text(content: Any) -> str:
    """The content as indented JSON with a line end."""
    return json.dumps(jsonable(content), ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def jsonable(value: Any) -> Any:
    """The value in JSON's own types; what is not finite is null."""
    if isinstance(value, Mapping):
        return {str(k): jsonable(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [jsonable(v) for v in value]
    if hasattr(value, "to_dict"):  # a table
        return jsonable(value.to_dict("records"))
    if hasattr(value, "item"):  # of numpy
        return jsonable(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, int) else str(value)
