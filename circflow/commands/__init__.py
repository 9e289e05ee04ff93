"""The commands: each one library call, its tables and messages; no logic of planning."""
