"""One cell: names, numbers, whole numbers, flags and choices, as the contract reads them.

`parse_cell` reads one value; `parse_column` a whole column at once, cell by cell only where a
fast path does not serve. A value that cannot be read raises `BadCellError`, which says what to do.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import TYPE_CHECKING, Any

from circflow.data.errors import WrongTextError
from circflow.data.schema.sheets import Column
from circflow.data.suggest import nearest
from circflow.data.table import CellFault
from circflow.i18n import localised, mark, say
from circflow.i18n.names import english_word, words_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TRUE_WORDS = frozenset({"yes", "да", "true", "1"})
FALSE_WORDS = frozenset({"no", "нет", "false", "0"})
_YES_AND_NO = ("yes", "no", "да", "нет")
_LONGEST_SHOWN = 60

_SPACE = "[ \u00a0\u2000-\u200a\u202f\u205f\u3000]"
_NUMBER = re.compile(
    rf"(?P<sign>[+\-\u2212]?)(?P<integer>[0-9]{{1,3}}(?:{_SPACE}[0-9]{{3}})+|[0-9]*)"
    r"(?:[.,](?P<fraction>[0-9]*))?(?P<exponent>[eE][+\-\u2212]?[0-9]+)?"
)


class BadCellError(WrongTextError):
    """A value that cannot be read: what is wrong and, where one is near, a good value."""


@dataclass(frozen=True)
class Parsed:
    """A column as read: values (float64, bool or object with str or None), and what could not
    be read by position. Blank cells hold None, NaN or the default."""

    values: NDArray[np.generic]
    bad: dict[int, BadCellError]
    blank: NDArray[np.bool_]


def is_blank(value: object) -> bool:
    """Whether a cell holds nothing or only white space."""
    return value is None or (isinstance(value, str) and not value.strip())


def show(value: object) -> str:
    """What stands in a cell, short enough for a message."""
    if value is None:
        return ""
    if isinstance(value, CellFault):
        return shorten(value.text)
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, date | time):
        return value.isoformat()
    return shorten(str(value))


def shorten(text: str) -> str:
    """A text on one line, cut where it is too long for a message."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_SHOWN else line[: _LONGEST_SHOWN - 1] + "…"


def plain(number: float) -> str:
    """A number as a planner writes it: digits, a decimal point, no exponent where avoidable."""
    if math.isfinite(number) and number == int(number) and abs(number) < 1e15:
        return str(int(number))
    return f"{number:.15g}"


def typed_number(number: float) -> int | float:
    """A number as one types it: a whole one as int, as far as a float holds every one of them."""
    return int(number) if number.is_integer() and abs(number) < 1e15 else number


def shortest(number: float) -> str:
    """The shortest text that reads back as the same number."""
    return repr(typed_number(number))


def written(number: float) -> str:
    """`plain`, as the language in force writes it: for a message."""
    return localised(plain(number))


def split_names(text: str | None) -> tuple[str, ...]:
    """The names in a cell that lists several, separated by commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip()) if text else ()


def _refuse_fault(value: object) -> None:
    if isinstance(value, CellFault):
        if value.kind == "formula":
            raise BadCellError(
                "the formula has no calculated value: open the file in Excel and save it, or "
                "type the value"
            )
        if value.kind == "merged":
            raise BadCellError("the cell is merged with others: unmerge them and fill in each cell")
        raise BadCellError(
            "the cell holds the Excel error {text}: mend its formula", text=shorten(value.text)
        )


def parse_name(value: object) -> str | None:
    """A name: text trimmed, or the digits of a whole number; None where blank."""
    _refuse_fault(value)
    if value is None:
        return None
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, bool):
        raise BadCellError(
            "a name is wanted, not TRUE or FALSE: format the cell as text and retype it"
        )
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if math.isfinite(value) and value == int(value):
            return str(int(value))
        raise BadCellError(
            "the name is typed as the number {value}: format the cell as text and retype it",
            value=show(value),
        )
    if isinstance(value, date | time | timedelta):
        raise BadCellError(
            "the name is typed as a date or time: format the cell as text and retype the name"
        )
    raise BadCellError("a name cannot be read from this cell: retype it as text")


def parse_text(value: object) -> str | None:
    """Free text; numbers, dates and flags as they are written; None where blank."""
    _refuse_fault(value)
    if value is None:
        return None
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        is_exact = isinstance(value, int) or (math.isfinite(value) and abs(value) < 1e15)
        return str(int(value)) if is_exact and value == int(value) else repr(value)
    return value.isoformat() if isinstance(value, date | time) else str(value)


def parse_number(value: object) -> float | None:
    """A number; as text with a comma or a point as the decimal sign and spaces between
    thousands; None where blank."""
    _refuse_fault(value)
    if value is None:
        return None
    if isinstance(value, bool):
        raise BadCellError("a number is wanted, not TRUE or FALSE")
    if isinstance(value, int | float):
        return _finite(value)
    if isinstance(value, str):
        return _number_from_text(value.strip())
    if isinstance(value, date | time | timedelta):
        raise BadCellError(
            "the number is typed as a date or time: format the cell as a number and retype it"
        )
    raise BadCellError("a number cannot be read from this cell: retype it")


def _finite(value: float) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise BadCellError("the number is not finite: leave the cell blank for unlimited")
    return number


def _number_from_text(text: str) -> float | None:
    if not text:
        return None
    match = _NUMBER.fullmatch(text)
    if match and (match["integer"] or match["fraction"]):
        integer = re.sub(r"\D", "", match["integer"])
        digits = (
            f"{match['sign']}{integer or '0'}.{match['fraction'] or '0'}{match['exponent'] or ''}"
        )
        return _finite(float(digits.replace("\u2212", "-")))
    raise BadCellError(
        "{text!r} is not a number{number_hint}", text=shorten(text), number_hint=_number_hint(text)
    )


_NUMBER_HINTS = tuple(
    (re.compile(pattern, re.IGNORECASE), hint)
    for pattern, hint in (
        (r".*%", mark("type the share without the percent sign, 10 % as 0.1")),
        (
            r"[+-]?[0-9]{1,3}([.,'’][0-9]{3})+([.,][0-9]*)?",
            mark("separate thousands by spaces or not at all, and use one decimal sign"),
        ),
        (r"[+-]?\d[\d\s]*([.,][\d\s]*)?", mark("spaces may only separate thousands")),
        (r"\+?inf(inity)?|∞|unlimited|no limit", mark("leave the cell blank for unlimited")),
        (r"[-–—]|n/?a|nan|н/?д", mark("leave the cell blank")),
        (r"[<>≤≥~≈].*", mark("type one figure, without a sign of comparison")),
        (r"[+-]?\d.*", mark("leave out units and remarks, or move them to a note column")),
    )
)


def _number_hint(text: str) -> str:
    """What to do about a text that is nearly a number."""
    if len(text) > _LONGEST_SHOWN:
        return ""
    hints = (hint for pattern, hint in _NUMBER_HINTS if pattern.fullmatch(text))
    return next((f": {say(hint)}" for hint in hints), "")


def parse_integer(value: object) -> float | None:
    """A whole number, as a float; None where blank."""
    number = parse_number(value)
    if number is not None and number != math.floor(number):
        raise BadCellError("{value} is not a whole number", value=show(value))
    return number


def parse_flag(value: object) -> bool | None:
    """yes/no, да/нет, true/false, 1/0 in any case; None where blank."""
    _refuse_fault(value)
    if value is None:
        return None
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and value in (0, 1):
        return bool(value)
    word = value.strip().casefold() if isinstance(value, str) else ""
    if isinstance(value, str) and not word:
        return None
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise BadCellError(
        "{value!r} is neither yes nor no", nearest(word, _YES_AND_NO), value=show(value)
    )


def parse_choice(value: object, column: Column) -> str | None:
    """One of a column's words, in any language; None where blank."""
    word = parse_name(value)
    if word is None or word in column.choices:
        return word
    meant = english_word(column.name, column.choices, word)
    if meant in column.choices:
        return meant
    near = nearest(word, (*column.choices, *words_of(column.name, column.choices)))
    raise BadCellError("{word!r} is not one of the choices", near, word=shorten(word))


def parse_names(value: object) -> str | None:
    """Several names separated by commas, tidied to `a, b`; None where blank."""
    text = parse_name(value)
    return ", ".join(split_names(text)) or None if text else None


def parse_shares(value: object) -> str | None:
    """Several shares separated by semicolons, tidied to `0.5; 0.8`; None where blank.

    Each is above 0 and at most 1, and none may be left out.
    """
    if is_blank(value):
        return None
    parts = value.split(";") if isinstance(value, str) else [value]
    return "; ".join(show(_share(part)) for part in parts)


def _share(part: object) -> float:
    number = parse_number(part)
    if number is None:
        raise BadCellError(
            "a share is empty: write every year's share, separated by semicolons, such as 0.5; 0.8"
        )
    if not 0.0 < number <= 1.0:
        raise BadCellError(
            "the share {part} is not above 0 and at most 1: write 50 % as 0.5",
            part=shorten(show(part)),
        )
    return number


def split_shares(text: str | None) -> tuple[float, ...]:
    """The shares of a cell that was read by `parse_shares`; none where it is blank."""
    return tuple(float(part) for part in text.split(";")) if text else ()


def in_range(number: Any, column: Column) -> Any:
    """Whether a number (or each of an array) keeps the limits of its column, its possible sizes
    among them."""
    low, high, size = column.low, column.high, abs(number)
    kept = (size <= column.largest) & ((size >= column.smallest) | (number == 0.0))
    if low is not None:
        kept &= number > low if column.low_open else number >= low
    if high is not None:
        kept &= number < high if column.high_open else number <= high
    return kept


def out_of_range(number: float, column: Column) -> BadCellError:
    """What to say of a number beyond its column's limits."""
    size = abs(number)
    if number != 0.0 and not column.smallest <= size <= column.largest:
        return _impossible(number, column)
    edge = column.high
    if column.low is not None and number <= column.low:
        edge, outside = column.low, mark("{name} must be above {edge:g}: {number}")
        words = outside if column.low_open else mark("{name} is below {edge:g}: {number}")
    else:
        outside = mark("{name} must be below {edge:g}: {number}")
        words = outside if column.high_open else mark("{name} is above {edge:g}: {number}")
    message = say(words, name=column.shown, edge=edge, number=written(number))
    if column.unit == "share" and 1 < number <= 100:
        share = plain(float(f"{number / 100:.12g}"))
        return BadCellError(
            say(
                "{message} ({number} % is {share})",
                message=message,
                number=written(number),
                share=localised(share),
            ),
            share,
        )
    return BadCellError(message)


def _in_column(problem: BadCellError, value: object, column: Column) -> BadCellError:
    """What to say of a dash or a per cent sign in this column."""
    if not isinstance(value, str):
        return problem
    text = value.strip()
    if _NOTHING.fullmatch(text):
        cure = say("leave the cell blank")
        if column.required and column.is_number:
            cure = say("type a value (0 if there is none), or clear the row")
        elif column.required:
            cure = say("choose one of the words")
        return BadCellError("{text!r} stands for nothing known: {cure}", text=text, cure=cure)
    if text.endswith("%") and column.unit in _SHARES:
        try:
            share = parse_number(text[:-1])
        except BadCellError:
            return problem
        if share is not None:
            return BadCellError(problem.message, plain(float(f"{share / 100:.12g}")))
    return problem


_NOTHING = re.compile(r"[-–—]+|n\.?/?a\.?|nan|н/?д", re.IGNORECASE)
_SHARES = ("share", "1/yr", mark("property unit"), mark("property unit or share"))
"""Units of columns in which 10 % is 0.1."""


def _impossible(number: float, column: Column) -> BadCellError:
    sizes = say(
        "{name} must be 0 or of a size between {smallest:g} and",
        name=column.shown,
        smallest=column.smallest,
    )
    if abs(number) < column.smallest:
        way = say("write 0, or count in a smaller unit")
    elif column.blank_is_unlimited:
        way = say("leave the cell blank for unlimited")
    else:
        way = say("count in a larger unit")
    return BadCellError(
        "{sizes} {largest:g}, not {number}: {way}",
        sizes=sizes,
        largest=column.largest,
        number=written(number),
        way=way,
    )


_READERS: dict[str, Callable[[object], object]] = {
    "name": parse_name,
    "text": parse_text,
    "number": parse_number,
    "integer": parse_integer,
    "flag": parse_flag,
    "names": parse_names,
    "shares": parse_shares,
}


def parse_cell(value: object, column: Column) -> str | float | bool | None:
    """The value of one cell of a column: str, float or bool, None where blank.

    Raises `BadCellError` for what cannot be read, is out of range or is not one of the choices.
    """
    try:
        if column.kind == "choice":
            return parse_choice(value, column)
        parsed = _READERS[column.kind](value)
    except BadCellError as problem:
        raise _in_column(problem, value, column) from None
    if column.words and isinstance(parsed, str):
        parsed = english_word(column.name, column.words, parsed)
    if isinstance(parsed, float) and not in_range(parsed, column):
        raise out_of_range(parsed, column)
    assert parsed is None or isinstance(parsed, str | float | bool)
    return parsed


def parse_column(values: Sequence[object], column: Column) -> Parsed:
    """All cells of a column, defaults filled in.

    Values that Excel has typed well are taken over at once; others are read one by one, each
    distinct value once.
    """
    import numpy as np
    import pandas as pd

    typed = _typed_numbers(values, column) if column.is_number else None
    parsed, bad = _parse_distinct(values, column) if typed is None else typed
    cells = np.array(parsed, dtype=float if column.is_number else object)
    blank = pd.isna(cells)
    blank[list(bad)] = False
    if column.default is not None:
        cells[blank] = column.default
    if column.kind == "flag":
        cells[list(bad)] = bool(column.default)
        cells = cells.astype(bool)
    return Parsed(cells, bad, blank)


def _parse_distinct(
    values: Sequence[object], column: Column
) -> tuple[list[str | float | bool | None], dict[int, BadCellError]]:
    # 1, 1.0 and True are one key of a dict, but not one value of a cell
    keys = list(zip(map(type, values), values, strict=True))
    known: dict[tuple[type, object], str | float | bool | None] = {}
    faults: dict[tuple[type, object], BadCellError] = {}
    for key in dict.fromkeys(keys):
        try:
            known[key] = parse_cell(key[1], column)
        except BadCellError as problem:
            known[key], faults[key] = None, problem
    bad = {at: faults[key] for at, key in enumerate(keys) if key in faults} if faults else {}
    return [known[key] for key in keys], bad


def _typed_numbers(
    values: Sequence[object], column: Column
) -> tuple[NDArray[np.float64], dict[int, BadCellError]] | None:
    """Numbers as Excel has typed them, NaN where blank or bad; None where anything else stands."""
    import numpy as np

    if not set(map(type, values)) <= {int, float, type(None)}:
        return None
    try:
        numbers = np.array(values, dtype=float)
    except OverflowError:
        return None
    there = np.array([v is not None for v in values], dtype=bool)
    if not np.isfinite(numbers[there]).all():
        return None
    odd = ~in_range(numbers, column)
    if column.kind == "integer":
        odd |= numbers != np.floor(numbers)
    places = np.flatnonzero(odd & there).tolist()
    _, faults = _parse_distinct([values[at] for at in places], column)
    bad = {places[n]: problem for n, problem in faults.items()}
    numbers[list(bad)] = np.nan
    return numbers, bad
