"""Matching: by the planner's word, name, synonym, code; what is not sure is asked."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from circflow.data.scenario import Scenario
from circflow.library import Library
from circflow.studies.errors import StudyError
from circflow.studies.suggest.match import Matches, match_materials

Make = Callable[..., Scenario]
HEAD = "material,name,category,unit,hazard_class,library_material\n"


def matched(make: Make, library: Library, row: str) -> Matches:
    materials = HEAD + "slag,,waste,t,,-\nGGBS,,product,t,,-\n" + row + "\n"
    return match_materials(make(Materials=materials), library)


def test_by_name_and_by_synonym_in_both_languages(make: Make, library: Library) -> None:
    found = match_materials(make(), library)
    assert found.of_library == {"BF slag": ["slag"], "ground slag": ["GGBS"]}
    assert found.table.set_index("material")["how"].to_dict() == {
        "slag": "full name",
        "GGBS": "full name",
    }
    assert found.questions.empty


@pytest.mark.parametrize("stated", ["BF slag", "10 02 01", "100201"])
def test_the_planners_word_counts_a_name_or_a_code(
    make: Make, library: Library, stated: str
) -> None:
    found = matched(make, library, f"stuff,,waste,t,1,{stated}")
    assert found.of_library == {"BF slag": ["stuff"]}


def test_a_word_that_the_library_lacks_is_told_with_the_nearest(
    make: Make, library: Library
) -> None:
    with pytest.raises(StudyError, match="no material 'BF slagg'; did you mean 'BF slag'"):
        matched(make, library, "stuff,,waste,t,,BF slagg")


@pytest.mark.parametrize(
    ("row", "question"),
    [
        ("BF slag,,waste,m3,,", "counted in m3 here, in t in the library"),
        ("BF slag,,waste,t,2,", "hazard class 2 here, of 4 in the library"),
        ("old furnace slag,,waste,t,,", "is it 'BF slag'"),
    ],
)
def test_what_is_not_sure_is_asked(make: Make, library: Library, row: str, question: str) -> None:
    found = matched(make, library, row)
    assert found.of_library == {}
    assert question in found.questions["question"].iloc[0]


def test_composition_that_differs_is_asked_in_whatever_measure(
    make: Make, library: Library
) -> None:
    from dataclasses import replace

    import pandas as pd

    known = pd.DataFrame({"material": ["BF slag"], "property": ["Fe"], "value": [20.0]})
    library = replace(library, properties=known)
    materials = HEAD + "BF slag,,waste,t,,\nGGBS,,product,t,,-\nslag,,waste,t,,-\n"
    for value, sure in ((22.0, True), (0.22, True), (55.0, False), (0.01, False)):
        properties = f"material,property,value\nBF slag,Fe,{value}\n"
        found = match_materials(make(Materials=materials, Properties=properties), library)
        assert ("BF slag" in found.of_library) is sure, value
