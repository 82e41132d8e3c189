"""What the generator writes; where it alone doubts, it is shown the best passage by itself, too."""

from __future__ import annotations

import logging
import time
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from ragqa.answering.prompt import ANSWER_TOKENS, STOP, write_prompt
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
    """Let a generator read the best passage alone; return what it doubts less.

    Nothing that it writes then is passed on: an empty piece comes for each, so that it can be
    stopped. The draft that is returned has the usage of both.

    Args:
        generator: The generator.
        draft: What it wrote of the likeliest sentences of all passages.
        question: The standalone question.
        hits: The passages, best first.
        ranked: Their sentences, likeliest answer first.
        language: The asker's.
    """
    best = [candidate for candidate in ranked if candidate.hit == ranked[0].hit]
    prompt = write_prompt(question, hits, best, language=language, generator=generator)
    if prompt.messages == draft.prompt.messages:
        return draft
    closer = yield from silently(write_draft(generator, prompt, time.perf_counter()))
    if closer is None or closer.usage.doubt is None or draft.usage.doubt is None:
        return draft
    better = closer if closer.usage.doubt < draft.usage.doubt else draft
    usage = Usage(
        draft.usage.prompt_tokens + closer.usage.prompt_tokens,
        draft.usage.completion_tokens + closer.usage.completion_tokens,
        better.usage.doubt,
    )
    return replace(better, usage=usage, first_token=draft.first_token)


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
