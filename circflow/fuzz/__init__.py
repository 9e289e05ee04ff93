"""Random scenarios, and what must hold between their answers (`python -m circflow.fuzz`)."""
