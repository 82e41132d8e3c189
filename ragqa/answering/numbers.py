"""Numbers in Chinese and English text as exact values: 三千万 = 3000 万 = 30,000,000."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from ragqa.answering.units import CURRENCY_SIGNS, unit_at
from ragqa.answering.wordlists import CARDINALS, ORDINALS, TENS

_DIGITS = {c: n for n, c in enumerate("零一二三四五六七八九")} | {
    "〇": 0, "○": 0, "两": 2, "壹": 1, "贰": 2, "叁": 3, "肆": 4, "伍": 5, "陆": 6,
    "柒": 7, "捌": 8, "玖": 9,
}  # fmt: skip
_TENS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000, "廿": 20, "卅": 30}
_BIG = {"万": 10**4, "亿": 10**8, "兆": 10**12}
_ZH = "".join(_DIGITS) + "".join(_TENS) + "".join(_BIG)
_WORDS = {word: n for n, word in enumerate(CARDINALS)} | {
    word: 10 * n for n, word in enumerate(TENS, 2)
}
_ORDINALS = {word: n for n, word in enumerate(ORDINALS, 1)}
_SCALES = {
    "hundred": 100, "thousand": 10**3, "million": 10**6, "millions": 10**6, "billion": 10**9,
    "billions": 10**9, "trillion": 10**12, "mn": 10**6, "bn": 10**9,
}  # fmt: skip
_WORD = "|".join(sorted([*_WORDS, *_ORDINALS], key=len, reverse=True))
_SCALE = r"hundred|thousand|millions?|billions?|trillion|mn|bn"
_PATTERN = re.compile(
    rf"(?P<currency>(?:US|HK|NT)?\$|[¥€£])?\s?"
    rf"(?P<share>[百千万]分之)?\s?(?P<figure>(?<![\d.A-Za-z])"
    rf"(?:(?:\d{{1,3}}(?:,\d{{3}})+(?!\d)|\d+)(?:\.\d+)?|\.\d+))"
    rf"(?:\s?(?P<zhscale>[{''.join(_BIG)}百千十]+(?:[\d.]+[{''.join(_BIG)}百千]+)*)|[\s-]?(?P<scale>{_SCALE})\b)?"
    rf"|(?P<zh>(?:[百千万]分之)?[{_ZH}]+(?:点[{''.join(_DIGITS)}]+)?)"
    rf"|\b(?P<words>(?:(?:{_WORD}|hundred|thousand|million|billion)(?:[\s-]+(?:and\s+)?(?=(?:{_WORD}|{_SCALE})\b))?)+)\b",
    re.IGNORECASE,
)
_SHARES = {
    "百分之": ("%", Decimal(1)),
    "千分之": ("‰", Decimal("0.1")),
    "万分之": ("‱", Decimal("0.01")),
}
"""A sign for each, and what one of them is in percent."""
_COUNTED = re.compile(
    r"[个個名位人次年月日天岁倍座种件项条只层届号级章节卷页期所家辆架艘]|公里|公尺|小时|平方|世纪|分钟|米|吨|元"
)


@dataclass(frozen=True, slots=True)
class Number:
    """A number with its unit, as it stands in ``text[start:end]``."""

    value: Decimal
    unit: str
    """Dimension of the unit in whose base unit ``value`` is given; empty: none."""
    bare: Decimal
    """The value before the unit was applied."""
    name: str
    """The unit's name as written, folded; empty: none."""
    start: int
    end: int
    ordinal: bool = False


def find_numbers(text: str) -> list[Number]:
    """Return the numbers of ``text``, which is in NFKC form and simplified characters."""
    found: list[Number] = []
    at = 0
    while (match := _PATTERN.search(text, at)) is not None:
        at = match.end()
        number = _read(text, match)
        if number is not None:
            found.append(number)
            at = max(at, number.end)
    return found


def _read(text: str, match: re.Match[str]) -> Number | None:
    start, end = match.span()
    share = (match["zh"] or "")[:3] if match["zh"] else match["share"]
    share = share if share in _SHARES else None
    if match["figure"] is not None:
        opened = next((name for name in ("currency", "share") if match[name]), "figure")
        start = match.start(opened)
        value = Decimal(match["figure"].replace(",", "")) * _scale(match)
        value += _tail(match["zhscale"])
        value, start = _signed(text, value, start, end)
    elif match["zh"] is not None:
        read = chinese_value(match["zh"].removeprefix(share or ""))
        if read is None or not (share or _means_number(text, match)):
            return None
        value = read
    else:
        read = _english_value(match["words"])
        if read is None:
            return None
        value = read
    return _with_unit(text, match, value, start, end, share)


def _with_unit(
    text: str, match: re.Match[str], value: Decimal, start: int, end: int, share: str | None
) -> Number:
    ordinal = text[max(0, start - 1) : start] == "第" or _ordinal(text, match)
    if share:
        sign, worth = _SHARES[share]
        return Number(value * worth, "percent", value, sign, start, end)
    currency = (match["currency"] or "").casefold()
    if currency:
        return Number(value, CURRENCY_SIGNS[currency], value, currency, start, end)
    suffix = re.compile(r"(?:st|nd|rd|th)\b", re.IGNORECASE).match(text, end)
    if suffix is not None:
        end = suffix.end()
    more = re.compile(r"\s?[多余几]\s?(?=[\u4e00-\u9fff])").match(text, end)
    unit = unit_at(text, more.end() if more else end)
    if unit is None:
        return Number(value, "", value, "", start, end, ordinal)
    name, measure, stop = unit
    return Number(value * measure.worth, measure.dimension, value, name, start, stop, ordinal)


def _ordinal(text: str, match: re.Match[str]) -> bool:
    last = re.split(r"[\s-]+", (match["words"] or "").casefold())[-1]
    return last in _ORDINALS or bool(re.compile(r"(?:st|nd|rd|th)\b").match(text, match.end()))


def _scale(match: re.Match[str]) -> Decimal:
    if match["scale"]:
        return Decimal(_SCALES[match["scale"].casefold()])
    scale = Decimal(1)
    for character in re.split(r"[\d.]", match["zhscale"] or "", maxsplit=1)[0]:
        scale *= _BIG.get(character) or _TENS.get(character, 1)
    return scale


def _tail(scales: str | None) -> Decimal:
    """Return what follows the first scale: the 2000万 of 1亿2000万."""
    total = Decimal(0)
    for figure, scale in re.findall(r"([\d.]+)([^\d.]+)", scales or ""):
        worth = Decimal(1)
        for character in scale:
            worth *= _BIG.get(character) or _TENS.get(character, 1)
        try:
            total += Decimal(figure) * worth
        except InvalidOperation:
            return Decimal(0)
    return total


def _signed(text: str, value: Decimal, start: int, end: int) -> tuple[Decimal, int]:
    """Apply a minus sign in front, or the parentheses bookkeepers write for one."""
    before = text[max(0, start - 2) : start]
    if before[-1:] in "-−" and before and not before[:-1].strip().isalnum():
        return -value, start - 1
    if before[-1:] in "负" and before:
        return -value, start - 1
    bracketed = before[-1:] == "(" and text[end : end + 1] == ")"
    amount = "," in text[start:end] or "." in text[start:end] or "$" in text[start:end]
    if bracketed and amount:
        return -value, start
    return value, start


def _means_number(text: str, match: re.Match[str]) -> bool:
    """Say whether Chinese numerals are a number here and not part of a word (一些, 万一, 四川)."""
    written = match["zh"]
    if "点" in written or text[max(0, match.start() - 1) : match.start()] == "第":
        return True
    if len(written) >= 2 and written not in ("万一", "万千", "百万千", "千百", "一一", "三两"):
        return True
    return _COUNTED.match(text, match.end()) is not None and not text[
        match.start() - 1 : match.start()
    ].startswith(("之", "统", "唯", "同", "每"))


def chinese_value(written: str) -> Decimal | None:
    """Return the value of Chinese numerals, as digits (二〇二三) or named (三千万), or None."""
    whole, _, fraction = written.partition("点")
    if not whole or set(whole) <= set(_BIG):
        return None
    value = _positional(whole) if set(whole) <= set(_DIGITS) else _named(whole)
    if value is None or not fraction:
        return value
    return value + Decimal("0." + "".join(str(_DIGITS[c]) for c in fraction))


def _positional(written: str) -> Decimal:
    return Decimal("".join(str(_DIGITS[character]) for character in written))


def _named(written: str) -> Decimal | None:
    total = section = 0
    digit: int | None = None
    last = 1
    for character in written:
        if character in _DIGITS:
            if digit:
                return None
            digit = _DIGITS[character]
        elif character in _TENS:
            last = _TENS[character]
            section += (1 if digit is None else digit) * last
            digit = None
        else:
            last = _BIG[character]
            total = (
                (total + section + (digit or 0)) * last
                if last >= 10**8
                else total + (section + (digit or 0)) * last
            )
            section, digit = 0, None
    if (
        digit
        and written[-2:-1]
        and written[-2] in _TENS | _BIG
        and last >= 100
        and "零" not in written[-2:]
    ):
        digit *= last // 10  # 三百五 is 350
    return Decimal(total + section + (digit or 0))


def _english_value(words: str) -> Decimal | None:
    total = current = 0
    for word in re.split(r"[\s-]+", words.casefold()):
        if word in _WORDS or word in _ORDINALS:
            current += _WORDS.get(word, 0) or _ORDINALS.get(word, 0)
        elif word == "hundred":
            current = (current or 1) * 100
        elif word in _SCALES:
            if not current and not total:
                return None
            total += (current or 1) * _SCALES[word]
            current = 0
    return Decimal(total + current)
