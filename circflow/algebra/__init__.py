"""The algebra: one file per piece of the plant."""
