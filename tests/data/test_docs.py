"""The reference of the data is current and complete."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from circflow import language
from circflow.data.docs import data_reference
from circflow.data.files.template import blank_meaning
from circflow.data.schema.sheets import SCENARIO_KEYS, SHEETS

DOCS = Path(__file__).parents[2] / "docs"


def test_the_file_is_current() -> None:
    text = (DOCS / "data.md").read_text(encoding="utf-8")
    assert text == data_reference(), "run: python -m circflow.data.docs > docs/data.md"


def test_the_russian_file_is_current() -> None:
    text = (DOCS / "ru" / "data.md").read_text(encoding="utf-8")
    with language("ru"):
        assert text == data_reference(), "run: python -m circflow.data.docs ru > docs/ru/data.md"
    assert re.search("[a-z]{8}", re.sub("`.*?`|\\(.*?\\)|<!--.*?-->|circflow", "", text)) is None


def test_the_command_prints_it() -> None:
    command = [sys.executable, "-m", "circflow.data.docs"]
    done = subprocess.run(command, capture_output=True, check=True)
    assert done.stdout.decode("utf-8").replace("\r\n", "\n") == data_reference()


def test_every_column_has_its_row() -> None:
    sections = data_reference().split("\n## ")
    by_title = {section.split("\n")[0]: section for section in sections}
    for sheet in SHEETS:
        section = by_title[sheet.name]
        assert sheet.meaning in section
        keys = SCENARIO_KEYS if sheet.name == "Scenario" else ()
        for column in (*sheet.columns, *keys):
            name = f"**{column.name}**" if column.required else column.name
            (line,) = (row for row in section.split("\n") if row.startswith(f"| {name} |"))
            assert line.count(" | ") == 6
            assert column.unit in line
            assert (
                blank_meaning(column).removeprefix("blank = ").removeprefix("may be blank") in line
            )


def test_the_promises_name_tests_that_exist() -> None:
    text = (DOCS / "security.md").read_text(encoding="utf-8")
    files = Path(__file__).parents[1].rglob("test_*.py")
    tests = "\n".join(file.read_text(encoding="utf-8") for file in files)
    named = set(re.findall(r"`(test_\w+)`", text))
    assert len(named) > 20
    assert {name for name in named if f"def {name}(" not in tests} == set()
