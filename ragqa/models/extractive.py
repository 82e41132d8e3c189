"""The light generator: none. Needs no weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ragqa.types import Usage

if TYPE_CHECKING:
    from collections.abc import Generator as Stream
    from collections.abc import Sequence

    from ragqa.types import Message, Token


class ExtractiveGenerator:
    """Drafts nothing, so that the answer is the extractive one: the best sentences, verbatim.

    Choosing sentences is the work of ``ragqa.answering``, which does it for every question before
    any draft and falls back on it whenever a draft is empty. This adapter only makes "no language
    model" an ordinary choice of model, with a name that answers can state.
    """

    @property
    def name(self) -> str:
        """Name written into answers."""
        return "extractive"

    @property
    def context_tokens(self) -> int:
        """Large enough that no prompt is ever cut for it."""
        return 1 << 20

    def count_tokens(self, text: str) -> int:
        """Return an estimate: four bytes of UTF-8 a token, as multilingual vocabularies average."""
        return -(-len(text.encode("utf-8", "replace")) // 4)

    def generate(
        self, messages: Sequence[Message], *, max_tokens: int, stop: Sequence[str] = ()
    ) -> Stream[Token, None, Usage]:
        """Yield nothing and return a usage of zero."""
        del messages, max_tokens, stop
        yield from ()
        return Usage()
