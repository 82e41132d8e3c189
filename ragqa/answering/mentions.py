"""The hard facts of a text, numbers, dates, codes, Latin names; and what another text lacks."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from ragqa.answering.dates import Date, find_dates
from ragqa.answering.numbers import Number, find_numbers
from ragqa.answering.terms import stem
from ragqa.answering.wordlists import ENGLISH_STOP, SENTENCE_STARTERS
from ragqa.retrieval.folding import simplify

if TYPE_CHECKING:
    from collections.abc import Sequence

_CODE = re.compile(
    r"https?://\S+|[\w.+-]+@[\w-]+\.[\w.]+|"
    r"(?<![A-Za-z0-9])(?:(?:[A-Z]{2,6}(?:/[A-Z])? |[A-Za-z]{1,6}(?:/[A-Za-z])?-?)"
    r"\d[A-Za-z0-9]*(?:[-./][A-Za-z0-9]+)*"
    r"|\d+[A-Za-z]+[-A-Za-z0-9]*)(?![A-Za-z0-9])",
    re.ASCII,
)
_LETTER = "A-Za-z\u00c0-\u024f\u0370-\u03ff\u0400-\u04ff"
_LATIN = re.compile(rf"[{_LETTER}](?:[{_LETTER}0-9]|['.&-](?=[{_LETTER}0-9]))*")


@dataclass(frozen=True, slots=True)
class Mentions:
    """What a text states that can be compared exactly. Offsets are into ``text``."""

    text: str
    """The text in NFKC form and simplified characters."""
    numbers: tuple[Number, ...]
    dates: tuple[Date, ...]
    codes: tuple[str, ...]
    names: tuple[str, ...]
    words: frozenset[str]
    """Every Latin word, folded and stemmed."""
    covered: tuple[tuple[int, int], ...]
    """Where numbers, dates and codes stand."""


def plain(text: str) -> str:
    """Return ``text`` in NFKC form, simplified characters, one kind of dash and white space."""
    normal = simplify(unicodedata.normalize("NFKC", text))
    normal = re.sub(r"[\u2010-\u2015\u2212]", "-", normal)
    normal = re.sub(r"(?<=[\u2e80-\u9fff])\s*\n\s*(?=[\u2e80-\u9fff\d])", "", normal)
    normal = re.sub(r"(?<=\d)\s*\n\s*(?=[\u2e80-\u9fff])", "", normal)
    return re.sub(r"\s+", " ", normal).replace("’", "'").strip()


def find_mentions(text: str) -> Mentions:
    """Read the hard facts of ``text``."""
    normal = plain(text)
    dates = find_dates(normal)
    covered = [(date.start, date.end) for date in dates]
    codes: list[str] = []
    numbers = find_numbers(_blank(normal, covered))
    for match in _CODE.finditer(_blank(normal, covered)):
        if _is_quantity(match.group(), numbers, match.start()):
            continue
        codes.append(match.group())
        covered.append(match.span())
    numbers = [n for n in numbers if not any(a <= n.start < b for a, b in covered)]
    covered.extend((n.start, n.end) for n in numbers)
    rest = _blank(normal, covered)
    words = frozenset(stem(word.casefold()) for word in _LATIN.findall(normal))
    return Mentions(
        normal,
        tuple(numbers),
        tuple(dates),
        tuple(codes),
        _names(rest),
        words,
        tuple(sorted(covered)),
    )


def _is_quantity(code: str, numbers: Sequence[Number], start: int) -> bool:
    """Say whether what looks like a code is a number with its unit: 5km, 30GB, 3rd, 1990s."""
    if re.fullmatch(r"\d+(?:st|nd|rd|th|s)", code, re.IGNORECASE):
        return True
    if re.fullmatch(r"[a-z]+ \d+", code):
        return True
    return any(n.start <= start < n.end and (n.name or n.end >= start + len(code)) for n in numbers)


def _blank(text: str, ranges: Sequence[tuple[int, int]]) -> str:
    characters = list(text)
    for start, end in ranges:
        characters[start:end] = "\x00" * (end - start)
    return "".join(characters)


def _names(text: str) -> tuple[str, ...]:
    """Return the words that are written like names; in Chinese text, every Latin word."""
    chinese = bool(re.search(r"[\u4e00-\u9fff]", text))
    found: list[str] = []
    for match in _LATIN.finditer(text):
        word = match.group()
        folded = word.casefold()
        if folded in ENGLISH_STOP:
            continue
        if chinese or any(character.isupper() for character in word):
            first = not text[: match.start()].strip("\x00 \"'“‘(")
            if not (first and folded in SENTENCE_STARTERS):
                found.append(word)
    return tuple(found)


def missing_numbers(claim: Mentions, source: Mentions) -> list[str]:
    """Return the numbers of ``claim`` that ``source`` does not have with the same unit."""
    return [
        claim.text[number.start : number.end].strip()
        for number in claim.numbers
        if not any(_same(number, other, source) for other in source.numbers)
        and not _in_date(number, source)
    ]


def _same(number: Number, other: Number, source: Mentions) -> bool:
    if number.unit == other.unit:
        close = abs(number.value - other.value) <= abs(other.value) * _TOLERANCE
        return close and (
            number.name == other.name or number.unit != "" or number.bare == other.bare
        )
    if number.bare != other.bare:
        return False
    if not number.name:
        return other.unit != "percent"
    if not other.name:
        # The unit may stand elsewhere: in the head of the column, or at the first of a range.
        return number.name in source.text.casefold()
    return False


_TOLERANCE = Decimal("1e-9")


def _in_date(number: Number, source: Mentions) -> bool:
    """A bare 2023 is borne out by 2023年5月1日; 5月 by 5月1日."""
    if number.bare != int(number.bare):
        return False
    value = int(number.bare)
    for date in source.dates:
        if not number.name and value == date.year:
            return True
        if number.name in ("年", "year") and value in (date.year, (date.year or 0) % 100):
            return True
        if number.name in ("月", "日", "号") and value in (
            date.month if number.name == "月" else date.day,
        ):
            return True
    return False


def missing_dates(claim: Mentions, source: Mentions) -> list[str]:
    """Return the dates of ``claim`` of which some part is not in ``source``."""
    return [claim.text[date.start : date.end] for date in claim.dates if not _dated(date, source)]


def _dated(date: Date, source: Mentions) -> bool:
    wanted = date.parts()
    for other in source.dates:
        if wanted.items() <= other.parts().items():
            return True
    years = {d.year for d in source.dates} | {
        int(n.bare) for n in source.numbers if n.bare == int(n.bare)
    }
    if date.year is not None and date.year not in years:
        return False
    rest = {name: value for name, value in wanted.items() if name != "year"}
    if not rest:
        return True
    # The year may stand apart: 2019年成立，5月1日开业. But not where the day has another year.
    return any(
        rest.items() <= d.parts().items() and d.year in (None, date.year) for d in source.dates
    )


def missing_codes(claim: Mentions, source: Mentions) -> list[str]:
    """Return the codes of ``claim`` that do not stand in ``source``."""
    there = _squeeze(source.text)
    return [code for code in claim.codes if _squeeze(code) not in there]


def missing_names(claim: Mentions, source: Mentions) -> list[str]:
    """Return the Latin names of ``claim`` whose words do not stand in ``source``."""
    return [name for name in claim.names if stem(name.casefold()) not in source.words]


def _squeeze(text: str) -> str:
    return re.sub(r"[\s\-_/.]", "", text).casefold()
