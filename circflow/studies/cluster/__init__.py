"""What a cluster gains over its members alone, and how to share it."""
