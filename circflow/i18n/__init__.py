"""The planner's language: which one it is, and messages in it.

The words in the code are English; `say` gives them in the language in force, from a gettext
catalogue. A language is a folder of `locale/`: its catalogue, and its names of sheets and columns.
"""

from circflow.i18n.language import ENGLISH, chosen, current, in_use, language, languages
from circflow.i18n.say import every, localised, mark, say, say_in, say_n

__all__ = [
    "ENGLISH",
    "chosen",
    "current",
    "every",
    "in_use",
    "language",
    "languages",
    "localised",
    "mark",
    "say",
    "say_in",
    "say_n",
]
