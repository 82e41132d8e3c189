"""Lines in reading order become paragraphs, and paragraphs get a kind."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from ingest.types import Line, RawTable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ingest.types import RawPage, RunningHeads
    from ragqa.types import BlockKind

_NUMBERED = re.compile(
    r"(?P<chapter>第\s*[0-9〇零一二三四五六七八九十百]+\s*[章篇部编卷])"
    r"|(?P<section>第\s*[0-9〇零一二三四五六七八九十百]+\s*[节條条])"
    r"|(?P<han>[一二三四五六七八九十]{1,3}\s*[、．.])"
    r"|(?P<paren>[（(][一二三四五六七八九十]{1,3}[)）])"
    r"|(?P<word>(?:chapter|part|appendix|section)\s+[0-9ivxa-z]{1,4}\b)"
    r"|(?P<digits>\d{1,2}(?:\.\d{1,2}){1,4})(?=[\s\u3000-\u9fff.、])"
    r"|(?P<single>\d{1,2}[.、]?\s+)(?=\S)",
    re.IGNORECASE,
)
_BULLET = re.compile(
    r"(?:[•◦‣⁃▪▫■□●○◆◇➢➤✓✔∙·\uf0b7\uf0a7\uf06e]|[-–—*]\s"
    r"|[（(]?(?:\d{1,2}|[a-zA-Z]|[ivx]{1,4})[)）]\s?|\d{1,2}[.、](?!\d)\s?|[①-⑳])"
)
_CAPTION = re.compile(
    r"(?:(?:图|圖|表|附图|附表)\s*[0-9一二三四五六七八九十]+(?:[-.–][0-9]+)*"
    r"|(?:fig(?:ure|\.)|table|exhibit|chart)\s*[0-9A-Z]+(?:[-.][0-9]+)*\s*[.:：—–-]?)",
    re.IGNORECASE,
)
_ENDS = "。！？!?.;；:：…”’」』)）"
_HEADING_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Lines that belong together; ``runs_on``: the paragraph before it goes on in this one."""

    lines: tuple[Line, ...]
    runs_on: bool = False


def paragraphs(raw: RawPage, items: Sequence[Line | RawTable]) -> Iterator[Paragraph | RawTable]:
    """Group lines that follow each other; tables pass through."""
    pitch = _pitch([item for item in items if isinstance(item, Line)])
    group: list[Line] = []
    runs_on = False
    for item in items:
        if isinstance(item, RawTable):
            if group:
                yield Paragraph(tuple(group), runs_on)
            yield item
            group, runs_on = [], False
        elif group and not _begins(raw, group, item, pitch):
            group.append(item)
        else:
            continues = bool(group) and _continues(raw, group, item)
            if group:
                yield Paragraph(tuple(group), runs_on)
            group, runs_on = [item], continues
    if group:
        yield Paragraph(tuple(group), runs_on)


def classify(
    raw: RawPage, group: Paragraph, text: str, heads: RunningHeads
) -> tuple[BlockKind, int | None]:
    """Return the kind of a paragraph, and its level when it is a heading."""
    level = _heading_level(raw, group, text, heads)
    if level is not None:
        return "heading", level
    if _CAPTION.match(text) and len(text) < 300:
        return "caption", None
    if _BULLET.match(text):
        return "list", None
    return "text", None


def _begins(raw: RawPage, group: list[Line], line: Line, pitch: float) -> bool:
    """Tell whether ``line`` begins a paragraph rather than going on with ``group``."""
    last = group[-1]
    if _same_row(last, line):
        return False
    height = max(last.bbox.bottom - last.bbox.top, line.bbox.bottom - line.bbox.top)
    advance = line.bbox.bottom - last.bbox.bottom
    if line.marked != last.marked or line.vertical != last.vertical:
        return True
    if not line.vertical and not 0 < advance <= max(1.45 * pitch, 1.3 * height):
        return True
    tolerance = 0.25 if line.confidence is not None else 0.12
    if abs(line.size - last.size) > tolerance * max(last.size, line.size):
        return True
    return _differs(raw, group, line)


def _differs(raw: RawPage, group: list[Line], line: Line) -> bool:
    text = raw.text[line.start : line.end]
    last = group[-1]
    before = raw.text[last.start : last.end]
    if line.bold != last.bold and (_is_title(raw, last) or _is_title(raw, line)):
        return True
    if _BULLET.match(text) or _is_numbered_heading(text) or _CAPTION.match(text):
        return True
    em = line.size
    left = min(other.bbox.x0 for other in group)
    right = max(other.bbox.x1 for other in group)
    if len(group) == 1 and _is_numbered_heading(before) and last.bbox.x1 < right + 1:
        width = max(right, line.bbox.x1) - min(left, line.bbox.x0)
        if last.bbox.x1 - last.bbox.x0 < 0.6 * width and before[-1] not in _ENDS:
            return True
    hang = _hang(raw, group)
    if hang is not None:
        if not left + 0.6 * em < line.bbox.x0 < hang + 1.2 * em:
            return line.bbox.x0 >= hang + 1.2 * em or hang > left + 0.6 * em
        left = max(left, line.bbox.x0)
    indented = line.bbox.x0 - left > 1.2 * em
    starts_flush = abs(group[0].bbox.x0 - left) < 0.6 * em
    if indented and (len(group) > 1 or not starts_flush or before[-1:] in _ENDS):
        return True
    short = max(right, line.bbox.x1) - last.bbox.x1 > max(3 * em, 0.15 * (right - left))
    return short and before[-1:] in _ENDS


def _hang(raw: RawPage, group: list[Line]) -> float | None:
    """Return where the lines of an item of a list begin that hang behind its mark, or None."""
    first = group[0]
    mark = _BULLET.match(raw.text[first.start : first.end])
    if not mark:
        return None
    beside = [line for line in group[1:] if _same_row(first, line)]
    below = [line.bbox.x0 for line in group[1:] if not _same_row(first, line)]
    if below:
        return min(below)
    if beside:
        return beside[0].bbox.x0
    at = first.start + mark.end()
    while at < first.end and raw.text[at].isspace():
        at += 1
    return float(raw.char_boxes[at, 0]) if at < first.end else None


def _continues(raw: RawPage, group: list[Line], line: Line) -> bool:
    """Tell whether a paragraph goes on at the top of the next column."""
    last = group[-1]
    if line.bbox.bottom > last.bbox.top or line.bbox.x0 < last.bbox.x0 or line.marked:
        return False
    before, text = raw.text[last.start : last.end], raw.text[line.start : line.end]
    full = last.bbox.x1 >= max(other.bbox.x1 for other in group) - 1.5 * last.size
    return (
        full
        and len(group) > 1
        and abs(line.size - last.size) < 0.12 * line.size
        and line.bold == last.bold
        and reads_on(before, text)
    )


def reads_on(before: str, text: str, *, comma: bool = False) -> bool:
    """Tell whether ``text`` can go on with the sentence of ``before``.

    Args:
        before: What ends at a break.
        text: What stands after it.
        comma: After a comma, whatever is not the beginning of an item goes on.
    """
    if before[-1:] in _ENDS or _BULLET.match(text) or _is_numbered_heading(text):
        return False
    word = text[:1].islower() or "\u3400" <= text[:1] <= "\u9fff"
    return word or (comma and before[-1:] in ",，、")


def _same_row(last: Line, line: Line) -> bool:
    middle = (line.bbox.top + line.bbox.bottom) / 2
    return last.bbox.top <= middle <= last.bbox.bottom and line.bbox.x0 >= last.bbox.x1 - 2


def _pitch(lines: Sequence[Line]) -> float:
    """Return the usual distance of baselines on the page."""
    steps = [
        second.bbox.bottom - first.bbox.bottom
        for first, second in pairwise(lines)
        if 0.5 * first.size < second.bbox.bottom - first.bbox.bottom < 3 * first.size
    ]
    return _quantile(steps, 0.4) if steps else 0.0


def _quantile(values: list[float], share: float) -> float:
    """Return what numpy's ``quantile`` does, for a few values in a tenth of its time."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * share
    at = int(place)
    low, high = ordered[at], ordered[min(at + 1, len(ordered) - 1)]
    within = place - at
    if within < 0.5:
        return low + (high - low) * within
    return high - (high - low) * (1 - within)


def _is_title(raw: RawPage, line: Line) -> bool:
    text = raw.text[line.start : line.end]
    return line.bold and len(text) <= _HEADING_CHARACTERS and text[-1:] not in "。,，;；"


def _is_numbered_heading(text: str) -> bool:
    match = _NUMBERED.match(text)
    return bool(match) and match is not None and match.lastgroup not in ("single",)


def _heading_level(raw: RawPage, group: Paragraph, text: str, heads: RunningHeads) -> int | None:
    if len(text) > _HEADING_CHARACTERS or len(group.lines) > 4 or group.runs_on:
        return None
    if not any(char.isalpha() for char in text):
        return None
    if _CAPTION.match(text):
        return None
    level = _outline_level(raw, text)
    if level is not None:
        return level
    if group.lines[0].marked or text[-1] in "。，,;；":
        return None
    return _looked_level(group, text, heads)


def _outline_level(raw: RawPage, text: str) -> int | None:
    """Return the level of the outline's entry of this title."""
    if not raw.outline:
        return None
    folded = _fold(text)
    for level, title in raw.outline:
        if folded and folded == _fold(title):
            return level
    for level, title in raw.outline:
        if len(_fold(title)) > 3 and folded.endswith(_fold(title)) and len(folded) < 40:
            return level
    return None


def _looked_level(group: Paragraph, text: str, heads: RunningHeads) -> int | None:
    """Return the level that size, weight and numbering give a title."""
    first = group.lines[0]
    least = 1.12 if first.confidence is None else 1.35
    large = first.size >= least * heads.body_size > 0
    numbered = _numbering_level(text)
    alone = len(group.lines) <= 2 and text[-1] not in ".!?！？:："
    bold = all(line.bold for line in group.lines)
    if numbered is not None and alone and (large or bold or numbered[1]) and len(text) < 60:
        return numbered[0]
    if _BULLET.match(text):
        return None
    if large:
        return 1 + min(3, sum(size > first.size + 0.6 for size in heads.heading_sizes[:4]))
    plain_bold = bold and alone and not heads.all_bold and len(text) < 90
    return 4 if plain_bold else None


def _numbering_level(text: str) -> tuple[int, bool] | None:
    """Return (level, whether the numbering alone makes it a heading), or None."""
    match = _NUMBERED.match(text)
    if not match:
        return None
    kind = match.lastgroup
    if kind in ("chapter", "word"):
        return 1, True
    if kind == "section":
        return 2, True
    if kind == "han":
        return 2, len(text) < 30
    if kind == "paren":
        return 3, False
    if kind == "digits":
        return 1 + match.group("digits").count("."), len(text) < 40
    return 1, False


@functools.lru_cache(maxsize=2048)
def _fold(text: str) -> str:
    return "".join(char for char in text.casefold() if char.isalnum())
