"""Planning before it is known what comes: futures, robust plans, outages."""
