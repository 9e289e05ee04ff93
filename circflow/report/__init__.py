"""Reports that read a solution: terminal, workbook, page."""
