"""What is embedded and indexed with a chunk: title, headings, surroundings; never quoted."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ragqa.types import Chunk

_LONGEST_HEADING = 80
_DEEPEST = 3
_IDENTIFIER = re.compile(
    r"(?<![0-9A-Za-z])(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{16,64})(?![0-9A-Za-z])",
    re.IGNORECASE,
)
"""A UUID, or a digest in hexadecimal: it says nothing, and much of it."""


def embedded_text(document_name: str, chunk: Chunk) -> str:
    """Return the text that is embedded for a chunk: its context on a line of its own, then it."""
    context = " › ".join(filter(None, (title_of(document_name), *_path(chunk))))
    return "\n".join(filter(None, (context, *_with_surroundings(chunk))))


def lexical_text(document_name: str, chunk: Chunk) -> str:
    """Return the text whose terms lexical search finds a chunk by."""
    return "\n".join((title_of(document_name), *_path(chunk), *_with_surroundings(chunk)))


def title_of(document_name: str) -> str:
    """Return a file's name as words: without folder and suffix, ``_`` and ``-`` as spaces.

    Identifiers and digests are left out; a name of nothing else is no title.
    """
    name = PurePosixPath(document_name).name
    stem = re.sub(r"\.[A-Za-z0-9]{1,5}$", "", name) or name
    parted = re.sub(r"[_\-]+", " ", _IDENTIFIER.sub(" ", stem))
    # 2022Q2, FY2018 and 10K are two things each: what, and which.
    return re.sub(r"(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Z][a-z0-9])| {2,}", " ", parted).strip()


def _path(chunk: Chunk) -> list[str]:
    return [heading[:_LONGEST_HEADING] for heading in chunk.headings[-_DEEPEST:]]


def _with_surroundings(chunk: Chunk) -> list[str]:
    return [part for part in (chunk.before, chunk.text, chunk.after) if part]
