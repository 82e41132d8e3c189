"""Dates and times of day: 二〇二三年五月一日 = 2023-05-01 = May 1, 2023."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ragqa.answering.numbers import chinese_value

_N = r"[0-9〇○零一二三四五六七八九十廿卅]"
_MONTHS = {
    name: n
    for n, names in enumerate(
        [
            "january jan",
            "february feb",
            "march mar",
            "april apr",
            "may",
            "june jun",
            "july jul",
            "august aug",
            "september sept sep",
            "october oct",
            "november nov",
            "december dec",
        ],
        1,
    )
    for name in names.split()
}
_MONTH = r"(?P<{}>" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")\.?"
_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?P<y>{_N}{{2,4}})年(?:\s?(?P<m>{_N}{{1,3}})月(?:份|底|初|中旬)?(?:\s?(?P<d>{_N}{{1,3}})[日号])?)",
        r"(?P<y>(?<!\d)\d{3,4}|[〇○零一二三四五六七八九]{3,4})年(?!代)",
        rf"(?<!\d)(?P<m>{_N}{{1,3}})月\s?(?P<d>{_N}{{1,3}})[日号]",
        rf"(?<![\d个])(?P<m>{_N}{{1,2}})月(?=份|底|初|中|间)",
        r"(?<![\d.])(?P<y>\d{4})\s?[-/.]\s?(?P<m>\d{1,2})\s?[-/.]\s?(?P<d>\d{1,2})(?![\d.])",
        r"(?<![A-Za-z])"
        + _MONTH.format("mn")
        + r"\s+(?P<d>\d{1,2})(?:st|nd|rd|th)?(?:\s*,\s*|\s+)(?P<y>\d{3,4})\b",
        r"\b(?P<d>\d{1,2})(?:st|nd|rd|th)?\s+(?:of\s+)?"
        + _MONTH.format("mn")
        + r"(?:\s*,)?\s+(?P<y>\d{3,4})\b",
        r"(?<![A-Za-z])" + _MONTH.format("mn") + r"(?:\s+of|\s*,)?\s+(?P<y>\d{4})\b",
        r"(?<![A-Za-z])" + _MONTH.format("mn") + r"\s+(?P<d>\d{1,2})(?:st|nd|rd|th)?\b",
        r"\b(?P<d>\d{1,2})(?:st|nd|rd|th)?\s+(?:of\s+)?" + _MONTH.format("mn") + r"(?![A-Za-z])",
        r"(?<![A-Za-z])(?-i:(?P<mn>January|February|March|April|June|July|August|September|October|November|December))(?![A-Za-z])",
        r"(?<![\d:])(?P<hh>\d{1,2}):(?P<mm>\d{2})(?::\d{2})?(?![\d:])",
    )
)


@dataclass(frozen=True, slots=True)
class Date:
    """A date or time of day with what is known of it, as it stands in ``text[start:end]``."""

    year: int | None
    month: int | None
    day: int | None
    clock: str | None
    start: int
    end: int

    def parts(self) -> dict[str, int | str]:
        """Return what is known."""
        named = {"year": self.year, "month": self.month, "day": self.day, "clock": self.clock}
        return {name: value for name, value in named.items() if value is not None}


def find_dates(text: str) -> list[Date]:
    """Return the dates of ``text``, which is in NFKC form and simplified characters, in order."""
    taken: list[Date] = []
    for pattern in _PATTERNS:
        for match in pattern.finditer(text):
            if any(match.start() < other.end and other.start < match.end() for other in taken):
                continue
            date = _read(match)
            if date is not None:
                taken.append(date)
    return sorted(taken, key=lambda date: date.start)


def _read(match: re.Match[str]) -> Date | None:
    parts = match.groupdict()
    year, month, day = (_value(parts.get(name)) for name in ("y", "m", "d"))
    if parts.get("mn"):
        month = _MONTHS[parts["mn"].casefold()]
    clock = f"{int(parts['hh'])}:{parts['mm']}" if parts.get("hh") else None
    if (month is not None and not 1 <= month <= 12) or (day is not None and not 1 <= day <= 31):
        return None
    return Date(year, month, day, clock, *match.span())


def _value(written: str | None) -> int | None:
    if not written:
        return None
    if written.isdecimal() and written.isascii():
        return int(written)
    value = chinese_value(written)
    return None if value is None else int(value)
