"""Doubts: what is allowed, but most often is a slip."""
