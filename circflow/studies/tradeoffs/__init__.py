"""Trade-offs between goals, and plans nearly as good."""
