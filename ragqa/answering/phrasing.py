"""What the generator writes; where it is in doubt, it reads the best passages each alone, too."""

from __future__ import annotations

import logging
import math
import time
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from ragqa.answering.prompt import ANSWER_TOKENS, STOP, write_prompt
from ragqa.answering.signs import log_odds
from ragqa.errors import GenerationFailed
from ragqa.types import Token, Usage

if TYPE_CHECKING:
    from collections.abc import Generator as Stream
    from collections.abc import Sequence

    from ragqa.answering.extractive import Candidate
    from ragqa.answering.prompt import Prompt
    from ragqa.ports import Generator
    from ragqa.types import Hit, Language

Result = TypeVar("Result")

ALONE = 3
"""Passages, likeliest first, that are read alone."""
ABOUT = 0.57
"""How near a passage is to a question from which on it is about what is asked."""
OTHERS = 0.6
"""What the doubt about such a passage counts, of 1, beside the least, which was chosen for that."""
DECLINING = 0.5
"""The doubt from which on a generator would sooner decline than answer."""
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Draft:
    """What a generator wrote."""

    text: str
    first_token: float | None
    """Milliseconds from the question to the first text."""
    usage: Usage
    prompt: Prompt


def write_draft(
    generator: Generator, prompt: Prompt, asked: float
) -> Stream[Token, None, Draft | None]:
    """Pass a generator's words on; return them whole, or None when there were none.

    ``asked`` is when the question came, on the clock of ``time.perf_counter``.
    """
    pieces: list[str] = []
    first: float | None = None
    usage = Usage()
    stream = generator.generate(prompt.messages, max_tokens=ANSWER_TOKENS, stop=STOP)
    try:
        with closing(stream):
            while True:
                try:
                    token = next(stream)
                except StopIteration as end:
                    usage = end.value or usage
                    break
                if first is None and token.text:
                    first = round((time.perf_counter() - asked) * 1000, 1)
                pieces.append(token.text)
                yield token
    except GenerationFailed:
        logger.warning("the generator failed; the extractive answer stands", exc_info=True)
        return None
    text = "".join(pieces).strip()
    return Draft(text, first, usage, prompt) if text else None


def look_closer(
    generator: Generator,
    draft: Draft,
    question: str,
    hits: Sequence[Hit],
    ranked: Sequence[Candidate],
    language: Language,
) -> Stream[Token, None, Draft]:
    """Let a generator read the likeliest passages each alone: others distract a small one.

    Nothing that it writes then is passed on: an empty piece comes for each, so that it can be
    stopped.

    Args:
        generator: The generator.
        draft: What it wrote of the likeliest sentences of all passages.
        question: The standalone question.
        hits: The passages, best first.
        ranked: Their sentences, likeliest answer first.
        language: The asker's.

    Returns:
        The draft, or what it wrote with least doubt of one passage where the draft declines; with
        the usage of all, and the doubt that ``_weigh`` tells of those alone.
    """
    readings: list[tuple[float, bool, Draft]] = []
    for hit in list(dict.fromkeys(one.hit for one in ranked))[:ALONE]:
        inside = [one for one in ranked if one.hit == hit]
        prompt = write_prompt(question, hits, inside, language=language, generator=generator)
        closer: Draft | None = draft
        if prompt.messages != draft.prompt.messages:
            closer = yield from silently(write_draft(generator, prompt, time.perf_counter()))
        if closer is not None and closer.usage.doubt is not None:
            near = max((one.near.whole for one in inside if one.near is not None), default=0.0)
            readings.append((closer.usage.doubt, near >= ABOUT, closer))
    if not readings:
        return draft
    readings.sort(key=lambda reading: reading[0])
    told = draft if _doubt(draft) < DECLINING else min(draft, readings[0][2], key=_doubt)
    drafts = [draft, *(closer for _, _, closer in readings if closer is not draft)]
    usage = Usage(
        sum(one.usage.prompt_tokens for one in drafts),
        sum(one.usage.completion_tokens for one in drafts),
        _weigh([(doubt, about) for doubt, about, _ in readings]),
    )
    return replace(told, usage=usage, first_token=draft.first_token)


def _doubt(draft: Draft) -> float:
    return draft.usage.doubt or 0.0


def _weigh(readings: Sequence[tuple[float, bool]]) -> float:
    """Return what is doubted by readings of one passage each, the least doubtful first.

    A passage that is about what is asked and has no answer speaks against one that seems to have
    it; a passage about something else does not.

    Args:
        readings: Of each the doubt, 0 to 1, and whether its passage is about what is asked.
    """
    (least, _), *others = readings
    if not others or not others[0][1]:
        return least
    odds = (1 - OTHERS) * log_odds(least) + OTHERS * log_odds(others[0][0])
    return 1 / (1 + math.exp(-odds))


def silently(stream: Stream[object, None, Result]) -> Stream[Token, None, Result]:
    """Pass nothing of a stream on but empty pieces, one for each, and what it returns."""
    with closing(stream):
        while True:
            try:
                next(stream)
            except StopIteration as end:
                result: Result = end.value
                return result
            yield Token("")
