"""Which blocks of a page belong together as a clause, or as a list with the words that lead to it.

``第十条``, ``3.2.1``, ``Article 4``; a clause reaches to the next one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ragqa.types import Block

_HAN = "0-9〇零一二三四五六七八九十百千"
_CLAUSE = re.compile(
    rf"第\s*[{_HAN}]+\s*[条條款]"
    r"|(?:article|section|clause|§)\s*\d+(?:\.\d+)*\b"
    r"|[1-9]\d?(?:\.\d{1,2}){1,4}(?![\d.%])\s*(?=[^\W\d])",
    re.IGNORECASE,
)
_ITEM = re.compile(rf"[（(](?:[{_HAN}]{{1,3}}|[a-z]|[ivx]{{1,4}})[)）]|[①-⑳]|[a-z][)）]\s")
_LEADS = (":", "：")


@dataclass(frozen=True, slots=True)
class Unit:
    """Blocks ``[first, last]`` that are not to be torn apart when they fit into one chunk."""

    first: int
    last: int
    lead: bool = False
    """Its first block says what the others are items of."""


def find_units(blocks: Sequence[Block]) -> list[Unit]:
    """Return the clauses and lists of a page in their order; none overlaps another."""
    units: list[Unit] = []
    at = 0
    while at < len(blocks):
        unit = _clause(blocks, at) or _list(blocks, at)
        if unit is not None:
            units.append(unit)
        at = unit.last + 1 if unit is not None else at + 1
    return units


def is_item(block: Block) -> bool:
    """Tell whether a block is an item of a list, or a clause."""
    return block.kind == "list" or (
        block.kind == "text" and bool(_CLAUSE.match(block.text) or _ITEM.match(block.text))
    )


def _clause(blocks: Sequence[Block], at: int) -> Unit | None:
    """Return the clause that begins with a block: it, and what follows up to the next one."""
    if not _is_clause(blocks[at]):
        return None
    last = _last(blocks, at, _is_prose)
    items = any(is_item(block) for block in blocks[at + 1 : last + 1])
    return Unit(at, last, lead=items)


def _list(blocks: Sequence[Block], at: int) -> Unit | None:
    """Return the list that begins with a block: the words that lead to it, and its items."""
    leads = _is_prose(blocks[at]) and blocks[at].text.rstrip().endswith(_LEADS)
    if not leads and not is_item(blocks[at]):
        return None
    last = _last(blocks, at, is_item)
    return Unit(at, last, lead=leads) if last > at else None


def _last(blocks: Sequence[Block], at: int, belongs: Callable[[Block], bool]) -> int:
    """Return the last of the blocks after one that belong to it; a clause begins anew."""
    last = at
    while last + 1 < len(blocks) and belongs(blocks[last + 1]) and not _is_clause(blocks[last + 1]):
        last += 1
    return last


def _is_clause(block: Block) -> bool:
    return _is_prose(block) and bool(_CLAUSE.match(block.text))


def _is_prose(block: Block) -> bool:
    return block.span is not None and block.kind in ("text", "list")
