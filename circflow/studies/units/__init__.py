"""Whether a plant should be built."""
