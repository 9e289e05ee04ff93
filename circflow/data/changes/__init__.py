"""Changed scenarios: addresses of cells, changes of them, futures."""
