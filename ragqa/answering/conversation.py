"""Follow-up questions made standalone, without a model and without changing what they name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ragqa.answering.keywords import keywords
from ragqa.answering.terms import language_of
from ragqa.retrieval.folding import fold

if TYPE_CHECKING:
    from collections.abc import Sequence

_OPENING = re.compile(
    r"^\s*(?:那么|那|然后|还有|另外|所以|(?:and|but|so|then|what about|how about)\b)[,、\s]*",
    re.IGNORECASE,
)
_PRONOUN = re.compile(
    r"[它他她牠]们?(?:的)?|^(?:这|那)(?!些?年)|这(?:个|家|位|种|座|部|款|些|项|次|里|本)|"
    r"那(?:个|家|位|种|座|部|款|些|项|次|里|本)|该[\u4e00-\u9fff]|前者|后者|上述|"
    r"\b(?:its?|he|she|his|hers?|him|they|them|theirs?|this|that|these|those)\b|"
    r"\bthe (?:former|latter)\b",
    re.IGNORECASE,
)
_ENDING = re.compile(r"呢[？?]?\s*$")
_QUESTION_MARKS = "？?。. "
KEPT = 3
"""Earlier questions that a follow-up may lean on."""


def standalone(question: str, history: Sequence[tuple[str, str]]) -> str:
    """Return ``question`` with the earlier question that it leans on put in front.

    A question that names its subject itself is returned unchanged. Nothing of the question is
    rewritten and nothing is taken from an answer, so its names and numbers stay what they were and
    a wrong answer cannot spread.

    Args:
        question: As asked.
        history: Earlier ``(question, answer)`` pairs, oldest first.
    """
    if not history or not leans(question):
        return question
    earlier = next((q for q, _ in reversed(history[-KEPT:]) if not leans(q)), None)
    if earlier is None:
        return question
    between = "；" if language_of(question) == "zh" else "; "
    return f"{earlier.rstrip(_QUESTION_MARKS)}{between}{question}"


def leans(question: str) -> bool:
    """Say whether a question cannot be understood without the one before it."""
    asked = keywords(question)
    opening = _OPENING.match(fold(question))
    pronoun = _PRONOUN.search(fold(question))
    if pronoun is not None:
        # "When did Marie Curie win her second prize?" names whom it means.
        named_before = any(fold(question).find(name) < pronoun.start() for name in asked.names)
        return not named_before
    return opening is not None or not asked.words or bool(_ENDING.search(question))
