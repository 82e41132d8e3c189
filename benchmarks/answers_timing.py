"""How soon a generator's first words come, and how fast the others, ours and a bare llama.cpp's."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ragqa.models.llama_cpp import LlamaCppGenerator
    from ragqa.types import Message


def tokens_of(generator: LlamaCppGenerator, messages: Sequence[Message]) -> list[int]:
    """Return the tokens that the model reads of a prompt."""
    return generator._tokenize(generator._render(messages), special=True)


def time_ours(
    generator: LlamaCppGenerator, messages: Sequence[Message], words: int
) -> tuple[float, float]:
    """Return the seconds until our first text, and the tokens a second from then on.

    Args:
        generator: What it has read before, it need not read again.
        messages: The prompt.
        words: Tokens that are generated; of three and fewer no speed is told (nan).
    """
    stream = generator.generate(messages, max_tokens=words)
    return _time_stream(stream, lambda token: token.text)


def time_bare(llama: Any, tokens: list[int], words: int) -> tuple[float, float]:
    """Return the same of a bare ``Llama``, which has nothing read before."""
    llama.reset()
    stream = llama.create_completion(tokens, max_tokens=words, temperature=0.0, stream=True)
    return _time_stream(stream, lambda part: part["choices"][0]["text"])


def _time_stream(stream: Any, text_of: Callable[[Any], str]) -> tuple[float, float]:
    started = time.perf_counter()
    first, count = 0.0, 0
    for piece in stream:
        if text_of(piece):
            first = first or time.perf_counter() - started
            count += 1
    rest = time.perf_counter() - started - first
    return first, (count - 1) / rest if count > 3 and rest else float("nan")
