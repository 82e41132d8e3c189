"""Counting a model's tokens word by word, for tokenizers that see no word beside another.

A word is counted once and returns all the time: half the time of cutting a document into chunks
went into counting it.
"""

from __future__ import annotations

import json
import re
import string
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from tokenizers import Tokenizer

BLANKS = " \t\n"
"""What the tokenizer makes one blank of, however many there are."""
CHARACTERS = (
    string.printable.translate(dict.fromkeys(map(ord, string.whitespace + "<"))) + "’‘“”—–•"
)
"""What words may consist of; ``<`` begins the tokens that are no words."""
MOST_WORDS = 1 << 16


def parts_at_blanks(backend: Tokenizer) -> bool:
    """Tell whether the tokens of a text are those of its words: SentencePiece, as XLM-R has it.

    Only what is surely so is said to be: everything else is counted whole.
    """
    state = _state(backend.pre_tokenizer)
    parted = state.get("type") == "Metaspace" and state.get("split")
    return bool(
        parted
        and state.get("prepend_scheme") == "always"
        and _folds_blanks(_state(backend.normalizer))
        and all("<" in token.content for token in backend.get_added_tokens_decoder().values())
        and all(backend.normalizer.normalize_str(blank) == " " for blank in BLANKS)
    )


def _folds_blanks(normalizer: dict[str, Any]) -> bool:
    """Tell whether characters are only replaced one by one, and then several blanks by one."""
    steps = normalizer.get("normalizers", [])
    fold = {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}
    return len(steps) == 2 and steps[0]["type"] == "Precompiled" and steps[1] == fold


def _state(part: Any) -> dict[str, Any]:
    return json.loads(part.__getstate__()) if part is not None else {}


class _Words(dict[str, int]):
    """What each word counts, found when it is first asked for."""

    def __init__(self, count: Callable[[str], int]) -> None:
        super().__init__()
        self._count = count

    def __missing__(self, word: str) -> int:
        # One by one: for several at once the tokenizer wakes threads, which costs more.
        self[word] = count = self._count(word)
        return count


class TokenCounter:
    """Counts the tokens of texts; not to be called by two threads at once.

    Truncation and padding must be off when it is called.
    """

    def __init__(self, backend: Tokenizer) -> None:
        """Look at what the tokenizer does."""
        self._backend = backend
        self._words = _Words(self._whole)
        self._plain = re.compile("(?!)")
        if parts_at_blanks(backend):
            kept = [c for c in CHARACTERS if backend.normalizer.normalize_str(c) == c]
            self._plain = re.compile(f"[{re.escape(''.join(kept))}{BLANKS}]+")
            self._blank = self._whole(" ")

    def __call__(self, text: str) -> int:
        """Return how many tokens ``text`` has, special tokens left out."""
        if not self._plain.fullmatch(text):
            return self._whole(text)
        if len(self._words) > MOST_WORDS:
            self._words.clear()
        count = sum(map(self._words.__getitem__, text.split()))
        return count + self._blank if text[-1] in BLANKS else count

    def _whole(self, text: str) -> int:
        # The fast call does not tell where tokens stand: a third of the time of the usual one.
        [tokens] = self._backend.encode_batch_fast([text], add_special_tokens=False)
        return len(tokens)
