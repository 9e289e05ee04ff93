"""The checks of a scenario, by theme; `circflow.data.check` runs them all in one pass."""
