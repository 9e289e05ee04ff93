"""Messages, figures and plural forms in the language in force, in threads and processes."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import pytest

import circflow as cf
from circflow.i18n import chosen, current, in_use, language, localised, say, say_n


def test_english_is_the_text_as_it_stands() -> None:
    assert say("all {of} it") == "all {of} it"
    assert say("{n:,.1f} of {name!r}", n=1234.56, name="ash") == "1,234.6 of 'ash'"
    assert [say_n("{n:,} row", "{n:,} rows", n) for n in (1, 1000)] == ["1 row", "1,000 rows"]
    assert localised("-1,234.5") == "-1,234.5"


def test_russian_figures_and_quotations() -> None:
    with language("ru"):
        assert say("{n:,.1f} § {name!r}", n=1234567.89, name="зола") == "1\xa0234\xa0567,9 § «зола»"
        assert say("§ {year} {share:.1%}", year=2026, share=0.125) == "§ 2026 12,5\xa0%"
        assert localised("-1,234.5") == "-1\xa0234,5"


@pytest.mark.parametrize(("n", "words"), [(1, "ошибка"), (3, "ошибки"), (11, "ошибок")])
def test_russian_plural_forms(n: int, words: str) -> None:
    with language("ru"):
        assert say_n("{n} error", "{n} errors", n) == f"{n} {words}"


def test_the_language_holds_in_its_block_and_thread_alone() -> None:
    with ThreadPoolExecutor(1) as pool, language("ru"):
        assert current() == "ru"
        assert pool.submit(current).result() == "en"
        assert pool.submit(in_use(current)).result() == "ru"
        with cf.language("en"):
            assert current() == "en"
        assert current() == "ru"
    assert current() == "en"


def test_the_language_goes_along_to_another_process() -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool, language("ru"):
        assert pool.submit(in_use(current)).result() == "ru"
        assert pool.submit(current).result() == "en"


def test_a_language_that_there_is_not() -> None:
    with pytest.raises(ValueError, match="'xx': choose one of en, ru"), cf.language("xx"):
        pass
    with pytest.raises(ValueError, match="CIRCFLOW_LANG"):
        chosen({"CIRCFLOW_LANG": "xx"})


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({}, "en"),
        ({"LANG": "ru_RU.UTF-8"}, "ru"),
        ({"LANG": "ru_RU.UTF-8", "LC_MESSAGES": "de_DE"}, "en"),
        ({"LC_ALL": "C", "LANG": "ru_RU.UTF-8"}, "en"),
        ({"CIRCFLOW_LANG": "ru", "LC_ALL": "en_US.UTF-8"}, "ru"),
    ],
)
def test_the_environment_chooses(environment: dict[str, str], name: str) -> None:
    assert chosen(environment) == name
