"""What nobody has thought of yet, on the pages of the regions, is what is found today."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from case_pages import unthought_rows

import circflow as cf

ROOT = Path(__file__).parents[3]
COMMAND = re.compile(r"`circflow suggest (scenarios/\w+\.xlsx) --rate '(USD=[\d.]+)' --new`")


@pytest.mark.parametrize("name", ["kuzbass", "sverdlovsk", "akmola", "almalyk"])
def test_the_five_best_are_those_of_the_page(name: str) -> None:
    text = (ROOT / "docs" / "cases" / f"{name}.md").read_text(encoding="utf-8")
    section = text.partition("## What nobody has thought of yet")[2]
    command = COMMAND.search(section)
    assert command is not None
    scenario = cf.read(ROOT / command[1])
    found = cf.suggest(scenario, rates=[command[2]], new_only=True, top=5, break_evens=False)
    table = [line for line in section.splitlines() if line.startswith("| ")][2:]
    assert table == unthought_rows(found)
