"""Scenario files: workbooks and folders, read, written, annotated, patched."""
