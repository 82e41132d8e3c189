"""Captions are tied to the table or figure they stand above or below."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from ragqa.types import BBox, Captioned, unite

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ingest.types import RawPage
    from ragqa.types import Block

_OF_TABLE = re.compile(r"附?表|table", re.IGNORECASE)
_OF_EITHER = re.compile(r"exhibit", re.IGNORECASE)
_LABEL = re.compile(r"(?<=[\s图圖表a-z.])[0-9一二三四五六七八九十A-Z]+(?:[-.–][0-9]+)*")
_PROSE = re.compile(
    r"\s*(?:[。，,；;]|中的|所示|所列|展示|显示|顯示|列出|给出|給出"
    r"|(?:shows?|presents?|lists?|gives?|summari[sz]es|above|below|and|in)\b)",
    re.IGNORECASE,
)
"""After the number: a sentence about it, no caption."""
_NEAR = 0.06
"""Share of the page's height between a caption and what it belongs to: three lines."""
_WRONG_SIDE = 0.02
"""So much farther away does a table above its caption count, or a figure below it."""
_LEAST = 24.0
"""In points; smaller pictures are signs and logos."""
_GROUND = 0.85
"""A picture over so much of the page is what it is printed on."""
_PIECES = 2.0
"""Pictures that are no farther apart are pieces of one."""
_MOST_PICTURES = 100
_NOTE = 100
"""A unit, the heads of columns, a remark of at most so many characters may stand between."""


def tie_captions(raw: RawPage, blocks: Sequence[Block]) -> list[Block]:
    """Return the blocks; captions say what they belong to, where that is plain.

    It is near, above or below, and of the kind that the caption names. A thing has one caption,
    or several with the same number (in two languages).
    """
    tables = [block for block in blocks if block.kind == "table"]
    things = [Captioned("table", block.bbox, n) for n, block in enumerate(tables, start=1)]
    if not any(block.kind == "caption" for block in blocks):
        return list(blocks)
    things += [Captioned("figure", box) for box in _figures(raw)]
    pairs = sorted(
        (cost, number, at)
        for number, block in enumerate(blocks)
        if block.kind == "caption" and not _is_prose(block.text)
        for at, thing in enumerate(things)
        if (cost := _cost(raw, block, thing, blocks)) is not None
    )
    tied = list(blocks)
    labels: dict[int, str] = {}
    for _, number, at in pairs:
        label = _label(blocks[number].text)
        if tied[number].of is None and labels.setdefault(at, label) == label:
            tied[number] = replace(blocks[number], of=things[at])
    return tied


def _cost(raw: RawPage, caption: Block, thing: Captioned, blocks: Iterable[Block]) -> float | None:
    """Return how far a caption is from a thing, in points, or None: it is not that thing's."""
    of_table = bool(_OF_TABLE.match(caption.text))
    if thing.kind == "table" and not (of_table or _OF_EITHER.match(caption.text)):
        return None
    box, other = caption.bbox, thing.bbox
    if _common(box, other) < 0.5 * min(box.x1 - box.x0, other.x1 - other.x0):
        return None
    below = box.top + box.bottom > other.top + other.bottom
    high, low = (other.bottom, box.top) if below else (box.bottom, other.top)
    if not -0.5 * (box.bottom - box.top) <= low - high <= _NEAR * raw.height:
        return None
    if any(_parts(block, box, high, low) for block in blocks):
        return None
    usual = below != of_table
    pictured = (
        of_table and thing.kind == "figure"
    )  # a table that is a picture, if there is no other
    return low - high + _WRONG_SIDE * raw.height * ((not usual) + 2 * pictured)


def _parts(block: Block, caption: BBox, high: float, low: float) -> bool:
    """Tell whether a block stands between a caption and what lies beyond ``high`` and ``low``."""
    if block.kind in ("caption", "header", "footer"):
        return False
    middle = (block.bbox.top + block.bbox.bottom) / 2
    between = high < middle < low and _common(block.bbox, caption) > 0
    return between and (block.kind == "table" or len(block.text) > _NOTE)


def _figures(raw: RawPage) -> list[BBox]:
    """Return the pictures of a page; those that adjoin are one."""
    page = raw.width * raw.height
    found: list[BBox] = []
    for box in raw.figures[:_MOST_PICTURES]:
        if (box.x1 - box.x0) * (box.bottom - box.top) > _GROUND * page:
            continue
        whole = box
        while touching := [other for other in found if _touch(whole, other)]:
            found = [other for other in found if other not in touching]
            whole = unite([whole, *touching])
        found.append(whole)
    return [box for box in found if min(box.x1 - box.x0, box.bottom - box.top) >= _LEAST]


def _touch(one: BBox, other: BBox) -> bool:
    return (
        _common(one, other) >= -_PIECES
        and min(one.bottom, other.bottom) - max(one.top, other.top) >= -_PIECES
    )


def _common(one: BBox, other: BBox) -> float:
    """Return the width that two boxes have in common; below 0: the white between them."""
    return min(one.x1, other.x1) - max(one.x0, other.x0)


def _is_prose(text: str) -> bool:
    match = _LABEL.search(text)
    return match is not None and _PROSE.match(text, match.end()) is not None


def _label(text: str) -> str:
    match = _LABEL.search(text)
    return match[0] if match else ""
