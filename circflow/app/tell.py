"""What a job tells the server while it is being done."""

from __future__ import annotations

import contextlib
from multiprocessing.connection import Connection


class Tell:
    """Sends what goes on, and knows whether the job is to end."""

    def __init__(self, pipe: Connection, number: int) -> None:
        self._pipe, self._number = pipe, number
        self._asked = False
        self.heeds = False
        """Whether the job looks at `stopped`; else an interrupt ends it where it is."""

    def __call__(self, words: str) -> None:
        with contextlib.suppress(OSError):
            self._pipe.send((self._number, "words", words))

    def stopped(self) -> bool:
        """Whether the job is to come to its end with what it has."""
        return self._asked

    def interrupt(self, *_: object) -> None:
        """The handler of the interrupt."""
        self._asked = True
        if not self.heeds:
            raise KeyboardInterrupt
