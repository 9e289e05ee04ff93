"""The local web page: load a workbook, mend it, solve it, ask "what if", without a terminal."""
