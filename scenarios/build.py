"""Write every scenario workbook from its CSV folder, which is the origin.

python scenarios/build.py

A folder with a label table (`labels/<scenario>.<language>.csv`) gives a workbook in that language
too, with the same figures: `<scenario>.<language>.xlsx`.
"""

from __future__ import annotations

from pathlib import Path

from relabel import Labels, labelled, tables

from circflow import language
from circflow.data.files.books import read_book, write_book
from circflow.data.files.native import native

HERE = Path(__file__).parent


def folders() -> list[Path]:
    """The scenario folders, those of `known/` included."""
    return sorted(path.parent for path in HERE.glob("**/Scenario.csv"))


def main() -> None:
    """Rewrite `<folder>.xlsx` beside every scenario folder, and those in other languages."""
    for folder in folders():
        workbook = folder.with_suffix(".xlsx")
        write_book(read_book(folder), workbook)
        print(f"{folder.relative_to(HERE)} -> {workbook.relative_to(HERE)}")
    for name, table in tables().items():
        scenario, _, spoken = name.partition(".")
        book = labelled(read_book(HERE / scenario), Labels(table))
        with language(spoken):
            write_book(native(book, spoken), HERE / f"{name}.xlsx")
        print(f"{scenario} -> {name}.xlsx")


if __name__ == "__main__":
    main()
