"""The app's pages, drawn from its state: a file for every step.

Every function gives a whole page of HTML. Names and texts of a workbook are data: they pass through
`escape`.
"""
