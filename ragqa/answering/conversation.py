"""Follow-up questions made standalone, without a model and without changing what they name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_LEANS = re.compile(
    r"^(?:那么?|然后|还有|另外|那|and|what about|how about)|[它他她牠]|^这|^那|该|此|前者|后者|上述|"
    r"\b(?:it|its|he|she|his|her|they|them|their|this|that|these|those|there|former|latter)\b",
    re.IGNORECASE,
)
KEPT = 3
"""Earlier questions that a follow-up may lean on."""


def standalone(question: str, history: Sequence[tuple[str, str]]) -> str:
    """Return ``question`` with what it leans on put in front; unchanged when it stands alone.

    The question's own words are never touched, so its names and numbers stay what they were.
    """
    if not history or not _LEANS.search(question):
        return question
    for earlier, _ in reversed(history[-KEPT:]):
        if not _LEANS.search(earlier):
            return (
                f"{earlier.rstrip('？?。. ')}：{question}"
                if re.search(r"[\u4e00-\u9fff]", question)
                else f"{earlier.rstrip('？?。. ')}: {question}"
            )
    return question
