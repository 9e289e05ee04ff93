"""What is done with many solves."""
