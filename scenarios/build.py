"""Write every scenario workbook from its CSV folder, which is the origin.

python scenarios/build.py
"""

from __future__ import annotations

from pathlib import Path

from circflow.data.files.books import read_book, write_book

HERE = Path(__file__).parent


def folders() -> list[Path]:
    """The scenario folders, those of `known/` included."""
    return sorted(path.parent for path in HERE.glob("**/Scenario.csv"))


def main() -> None:
    """Rewrite `<folder>.xlsx` beside every scenario folder."""
    for folder in folders():
        workbook = folder.with_suffix(".xlsx")
        write_book(read_book(folder), workbook)
        print(f"{folder.relative_to(HERE)} -> {workbook.relative_to(HERE)}")


if __name__ == "__main__":
    main()
