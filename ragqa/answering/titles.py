"""What a passage stands under, and questions that name its file."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import TYPE_CHECKING

from ragqa.answering.terms import question_terms

if TYPE_CHECKING:
    from ragqa.types import Hit

_PART = re.compile(r"[\u3400-\u9fff]{4,}|[A-Za-z]{2,}(?:[\W_]+[A-Za-z]{2,})+")
"""Parts of a file's name that somebody may call it by: four Chinese characters, two words."""
_BEFORE = (
    r"(?<!does )(?<!do )(?<!did )(?<!the )(?:\b(?:according to|in|of|under|by|from)\s+)?"
    r"(?:\b(?:the|our|this)\s+)?[《“\"「]?"
)
_BEHIND = r"[》”\"」]?(?:\s*(?:里面|里|裡|中|内|內|上)?(?:规定的|規定的|的)?)"


def titles_of(hit: Hit) -> tuple[str, ...]:
    """Return what a passage stands under: its headings, and the name of its file."""
    return (*hit.chunk.headings, name_of(hit))


def name_of(hit: Hit) -> str:
    """Return the name of a passage's file, without what kind of file it is."""
    return PurePath(hit.filename).stem


def without_name(question: str, hit: Hit) -> str:
    """Return a question without the name of the file that ``hit`` is from.

    "What is the total of the Supply Contract?" asks that file for the total. A question that has
    nothing else stays as it is.
    """
    parts = _PART.findall(name_of(hit))
    for part in ([name_of(hit)] if parts else []) + sorted(parts, key=len, reverse=True):
        name = r"[\W_]+".join(re.escape(word) for word in re.split(r"[\W_]+", part))
        rest = re.sub(f"{_BEFORE}{name}{_BEHIND}", " ", question, count=1, flags=re.IGNORECASE)
        if rest != question and question_terms(rest):
            return re.sub(
                r"\s+(?=[?？]|$)|^\s+|(?<=[\u3400-\u9fff])\s(?=[\u3400-\u9fff])", "", rest
            )
    return question
