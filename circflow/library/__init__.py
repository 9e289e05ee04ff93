"""A library of technologies: what could be made of a waste, with balance, money and sources."""

from circflow.library.read import Library, check_library, read_library

__all__ = ["Library", "check_library", "read_library"]
