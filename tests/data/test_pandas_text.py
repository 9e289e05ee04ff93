"""How text is held while circflow computes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pandas as pd
import pytest

from circflow.data.pandas_text import python_strings

OPTION = "mode.string_storage"


@pytest.mark.parametrize("before", ["auto", "python"])
def test_what_the_caller_has_set_is_in_force_again(before: str) -> None:
    with pd.option_context(OPTION, before):
        with pytest.raises(ZeroDivisionError), python_strings():
            assert pd.Index(["text"]).dtype.storage == "python"
            raise ZeroDivisionError
        assert pd.get_option(OPTION) == before


def test_threads_that_overlap_leave_it_as_it_was() -> None:
    meet = Barrier(2)

    @python_strings()
    def first() -> None:
        meet.wait(5)  # the other has come in
        meet.wait(5)  # and goes on when this one has gone

    @python_strings()
    def second() -> None:
        meet.wait(5)
        meet.wait(5)
        leaver.result(5)
        assert pd.get_option(OPTION) == "python"

    with pd.option_context(OPTION, "auto"), ThreadPoolExecutor(2) as threads:
        leaver = threads.submit(first)
        threads.submit(second).result(5)
        assert pd.get_option(OPTION) == "auto"
