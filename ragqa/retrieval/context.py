"""What is embedded and indexed with a chunk: title and headings, which are never quoted."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ragqa.types import Chunk

_LONGEST_HEADING = 80
_DEEPEST = 3


def embedded_text(document_name: str, chunk: Chunk) -> str:
    """Return the text that is embedded for a chunk: its context on a line of its own, then it."""
    context = " › ".join((title_of(document_name), *_path(chunk)))
    return f"{context}\n{chunk.text}"


def lexical_text(document_name: str, chunk: Chunk) -> str:
    """Return the text whose terms lexical search finds a chunk by."""
    return "\n".join((title_of(document_name), *_path(chunk), chunk.text))


def title_of(document_name: str) -> str:
    """Return a file's name as words: without folder and suffix, ``_`` and ``-`` as spaces."""
    name = PurePosixPath(document_name).name
    stem = re.sub(r"\.[A-Za-z0-9]{1,5}$", "", name) or name
    parted = re.sub(r"[_\-]+", " ", stem)
    # 2022Q2, FY2018 and 10K are two things each: what, and which.
    return re.sub(r"(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Z][a-z0-9])", " ", parted).strip()


def _path(chunk: Chunk) -> list[str]:
    return [heading[:_LONGEST_HEADING] for heading in chunk.headings[-_DEEPEST:]]
