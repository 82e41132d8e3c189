"""Where sentences begin and end, in Chinese and English, as spans of the text itself.

Nothing is edited: every span is a slice of what was given. A line of a list or a table is a
sentence of its own; a line that was only wrapped by the page is not.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ragqa.answering.wordlists import ABBREVIATIONS
from ragqa.types import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ragqa.types import ChunkKind

_HARD = "。！？!?；;…"
_CLOSERS = "」』”’\"')）】》］〕]"
_LIST_ITEM = re.compile(
    r"\s*(?:[-*•·●○■□◆▪–—]\s|[(（]?\d{1,3}[)）.、．]\s?(?!\d)|[(（]?[a-zA-Z][)）]\s|"
    r"[一二三四五六七八九十]{1,3}[、．]|[(（][一二三四五六七八九十]{1,3}[)）]|第[一二三四五六七八九十百\d]+[章节条款])"
)
_TABLE_ROW = re.compile(r"\t| \| |^\|")
_WORD_BEFORE = re.compile(r"[A-Za-z][A-Za-z.]*$")
_MAX_LINE = 24
"""A line shorter than this share of the longest one (in percent: 60) may end a paragraph."""


def split_sentences(text: str, kind: ChunkKind = "text") -> list[Span]:
    """Return the sentences of ``text`` as spans without surrounding white space.

    Args:
        text: A chunk's or an answer's text.
        kind: For a table every line is one sentence, whatever is in it.

    Returns:
        Spans in reading order that never overlap and leave out nothing but white space.
    """
    spans: list[Span] = []
    for start, end in _paragraphs(text, kind):
        if kind == "table" or _TABLE_ROW.search(text, start, end):
            cuts = [end]
        else:
            cuts = [*_sentence_ends(text, start, end), end]
        left = start
        for cut in cuts:
            span = _strip(text, left, cut)
            if span is not None:
                spans.append(span)
            left = cut
    return spans


def _paragraphs(text: str, kind: ChunkKind) -> Iterator[tuple[int, int]]:
    """Yield ranges that no sentence crosses."""
    lines: list[tuple[int, int]] = []
    start = 0
    for line in text.splitlines(keepends=True):
        lines.append((start, start + len(line)))
        start += len(line)
    widest = max((len(text[a:b].rstrip()) for a, b in lines), default=0)
    begin: int | None = None
    previous = (0, 0)
    for line_range in lines:
        if begin is None:
            begin = line_range[0]
        elif kind == "table" or _breaks_before(text, previous, line_range, widest):
            yield begin, line_range[0]
            begin = line_range[0]
        previous = line_range
    if begin is not None:
        yield begin, len(text)


def _breaks_before(
    text: str, previous: tuple[int, int], line: tuple[int, int], widest: int
) -> bool:
    """Say whether a new line begins a paragraph, or only continues a wrapped one."""
    above = text[slice(*previous)].rstrip()
    below = text[slice(*line)].strip()
    if not above or not below:
        return True
    if _TABLE_ROW.search(above) or _TABLE_ROW.search(below) or _LIST_ITEM.match(below):
        return True
    if above[-1] in "，,、-–—(（":
        return False
    return len(above) < max(_MAX_LINE, widest * 0.6) and not below[0].islower()


def _sentence_ends(text: str, start: int, end: int) -> Iterator[int]:
    """Yield the offsets just behind each sentence's last character."""
    at = start
    depth = 0
    while at < end:
        character = text[at]
        depth = max(0, depth + (character in "（(") - (character in "）)"))
        stop = _is_full_stop(text, at, end) if character == "." else character in _HARD
        if character == "." and _ITEM_NUMBER.fullmatch(text, start, at):
            stop = False
        at += 1
        if not stop or (depth and character in ";；"):
            continue
        while at < end and text[at] in _HARD + ".":
            at += 1
        while at < end and text[at] in _CLOSERS and not _opens_marker(text, at):
            depth = 0
            at += 1
        while (marker := _MARKERS.match(text, at, end)) is not None:
            at = marker.end()
        if at < end:
            yield at


_ITEM_NUMBER = re.compile(r"\s*\d{1,2}")
"""A paragraph that begins with it and a dot is an item of a list, and goes on behind the dot."""
_MARKERS = re.compile(r"\s?\[\d{1,3}\]")


def _opens_marker(text: str, at: int) -> bool:
    return text[at] == "["


def _is_full_stop(text: str, at: int, end: int) -> bool:
    """Say whether the dot at ``at`` ends a sentence: not a decimal, an initial, an abbreviation."""
    following = text[at + 1 : min(at + 3, end)]
    if following and not (following[0].isspace() or following[0] in _CLOSERS + "["):
        return _is_cjk(following[0]) and not text[at - 1 : at].isdigit()
    word_match = _WORD_BEFORE.search(text, max(0, at - 20), at)
    word = word_match.group() if word_match else ""
    if word.casefold().strip(".") in ABBREVIATIONS:
        return False
    if len(word) == 1 and word.isupper():
        return False
    rest = text[at + 1 : end].lstrip()
    return not (rest and rest[0].islower())


def _is_cjk(character: str) -> bool:
    return "\u3400" <= character <= "\u9fff"


def _strip(text: str, start: int, end: int) -> Span | None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return Span(start, end) if start < end else None


def flow(text: str) -> str:
    """Return ``text`` on one line: wrapped Chinese joined without, the rest with a space."""
    joined = re.sub(
        r"(?<=[\u2e80-\u9fff\uff00-\uffef])\s*\n\s*(?=[\u2e80-\u9fff\uff00-\uffef])", "", text
    )
    return re.sub(r"\s+", " ", joined).strip()
