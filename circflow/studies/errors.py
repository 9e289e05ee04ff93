"""What a study may raise."""

from __future__ import annotations

from circflow.data.errors import CircflowError


class StudyError(CircflowError, ValueError):
    """A study that cannot be run as asked; the message says what to change."""


class CheckError(CircflowError, RuntimeError):
    """A run that a cold build of the same scenario contradicts: a fault of circflow."""
