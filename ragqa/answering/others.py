"""Sentences about another thing of the kind that is asked about: another year, model or opposite.

They have the words of the question and are near to it, and answer another question: 2022 for 2021,
LX-280 for LX-260, women for men, what ends for what begins.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from ragqa.answering.dates import find_dates
from ragqa.answering.periods import named_parts
from ragqa.answering.quantities import in_place
from ragqa.answering.questions import answer_type
from ragqa.answering.units import unit_at
from ragqa.answering.wordlists import ENGLISH_STOP
from ragqa.retrieval.folding import fold

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_YEAR = re.compile(
    r"(?<![\d.])(?:1[89]|20)\d\d(?!\d|\.\d|-\d\d\d\d|\s?(?:米|个|元|人|名|公里|万|亿|m\b))"
)
_COMPARED = re.compile(
    r"(?:比|较|相比|从|自|继|于|与|同)\s*$|"
    r"\b(?:than|from|since|compared|over|versus|vs|against)\b[^,.;]{0,30}$"
)
"""What stands before a year that something is compared with, or holds since."""
_CLAUSES = re.compile(r"[，,;；、。()（）]")
_APART = re.compile(r"[,;、。()]|\bto\b|至|到")
IN_A_ROW = 6
"""Characters that may stand between two years in a row."""
_NUMBERED = re.compile(r"([a-z]+|[\u4e00-\u9fff]{2,})[ -]?(\d{1,4})(?!\d|[.,:/]\d|[%‰])")
_NO_NAME = re.compile(r"[年月日第约近达共为是到至从由在有于过超的了和与及每各另前后]")
_TITLE = re.compile(r"[《『「“\"]([^》』」”\"]{2,30})[》』」”\"]")
_SEQUEL = re.compile(r"\s?(?:\d|[ivx]+\b|[第之][一二三四五六七八九十\d])")
_NAME = re.compile(r"[\u4e00-\u9fff]{3,}")
_ADDED = "副残青少女男"
"""What makes another name of a name when it is put into it: 冬残奥会 is not 冬奥会."""
_ROLE = re.compile(
    r"(?:总?经理|总裁|董事长|校长|院长|主席|总统|总理|首相|书记|[省市县区镇村部局处科所站馆台]长|主任|教授|工程师|会计师)|"
    r"\b(?:president|chair(?:man|woman|person)?|director|minister|mayor|manager|ceo|principal|"
    r"secretary|governor|head|editor|professor|engineer|coach)\b"
)
_LESSER = (
    r"(?:[前副原代]|前任|助理|\bex-|"
    r"\b(?:former|previous|late|vice|deputy|acting|assistant)[ -])"
)
"""What makes another one of who has a role."""
_PAST = re.compile(r"\b(?:was|were|did|had|used)\b|曾|历任|当时|时任")
"""What asks for who had a role once."""
_RIVALS = tuple(
    tuple(map(re.compile, group))
    for group in (
        ("男", "女"),
        ("开始|开(?:闭)?幕|起始|开工|开赛|揭幕", "结束|闭幕|截止|完工|落幕"),
        ("最[高大多长早]", "最[低小少短晚]"),
        ("进口", "出口"),
        ("收入|营收", "支出|成本"),
        ("毛利", "净利"),
        ("上半年", "下半年"),
        ("甲方", "乙方", "丙方"),
        ("买方|买家|采购方", "卖方|卖家|供应商"),
        ("出租人|出租方", "承租人|承租方"),
        ("法定代表人|法人代表", "联系人", "经办人|承办人", "审批人|审核人|批准人", "项目经理"),
        ("总经理|总裁", "董事长"),
        ("导演|执导", "编剧", "主演|饰演|出演|参演|演绎|扮演|谁演|演的|主角|演员"),
        ("冠军|金牌", "亚军|银牌", "季军|铜牌"),
        ("出生", "死亡|去世|逝世"),
        ("上限", "下限"),
        ("输入", "输出"),
        ("城镇|城市", "农村|乡村"),
        ("国内|境内|内地", "国外|境外|海外"),
        ("父亲", "母亲"),
        ("夏季", "冬季"),
        (
            r"\b(?:highest|maximum|largest|biggest|most|longest)\b",
            r"\b(?:lowest|minimum|smallest|least|shortest)\b",
        ),
        (r"\bnorth(?:ern)?\b", r"\bsouth(?:ern)?\b"),
        (r"\beast(?:ern)?\b", r"\bwest(?:ern)?\b"),
        (r"\b(?:males?|m[ae]n|boys?)\b", r"\b(?:females?|wom[ae]n|girls?)\b"),
        (r"\bimport\w*", r"\bexport\w*"),
        (r"\bbefore\b", r"\bafter\b"),
        (r"\bfirst\b", r"\blast\b"),
        (r"\bw[io]ns?\b", r"\blos[et]\w*\b"),
        (r"\b(?:start|beg[aiu]n|open)\w*", r"\b(?:end(?:s|ed)?|finish\w*|clos\w+)\b"),
        (r"\b(?:buyer|purchaser)\b", r"\b(?:seller|supplier)\b"),
        (r"\b(?:landlord|lessor)\b", r"\b(?:tenant|lessee)\b"),
        (r"\bfather\b", r"\bmother\b"),
        (r"\b(?:income|revenue)\b", r"\bexpens\w+"),
        (r"\bgross\b", r"\bnet\b"),
        (r"\bdirect(?:s|ed|or)\b", r"\bscreenwriter\b", r"\b(?:starr\w+|actor|actress|played)\b"),
        (r"\bgold medal", r"\bsilver medal", r"\bbronze medal"),
        (r"\bupper\b", r"\blower\b"),
        (r"\b(?:birth\w*|born)\b", r"\b(?:deaths?|died)\b"),
    )
)
"""What is told of one of a group is not told of the others."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a question names of which there are others."""

    year: str
    """Empty: none, or several, or a time is asked for."""
    parts: frozenset[int]
    """Halves and quarters of a year."""
    numbered: Mapping[str, frozenset[int]]
    titles: tuple[re.Pattern[str], ...]
    rivals: tuple[tuple[re.Pattern[str], tuple[re.Pattern[str], ...]], ...]
    """Of each group of which the question names one: this, and the others."""
    names: tuple[tuple[str, re.Pattern[str]], ...]
    """Names, and each with something put into it."""
    roles: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...]
    """Roles, and the lesser ones: a deputy's, a former one's."""


_NOTHING = _Asked("", frozenset(), {}, (), (), (), ())


def is_of_another(sentence: str, question: str) -> bool:
    """Say whether a sentence is about another thing than the one that a question names.

    A sentence that names this one, too, or none at all, is not. Of 8,140 sentences with a gold
    answer (cmrc2018, drcd, xquad-zh, squad2, rgb) .44 % are, most of them with the answer by
    chance.
    """
    asked = _asked(question)
    if asked == _NOTHING:
        return False
    told = in_place(fold(sentence))
    return (
        (bool(asked.year) and _is_of_other_year(told, asked.year))
        or (bool(asked.parts) and _is_of_other_part(sentence, asked.parts))
        or (bool(asked.numbered) and _has_other_number(told, asked.numbered))
        or any(_is_sequel(told, title) for title in asked.titles)
        or any(_names_only(told, one, others) for one, others in asked.rivals)
        or any(name not in told and longer.search(told) for name, longer in asked.names)
        or any(_has_lesser_only(told, *role) for role in asked.roles)
    )


def is_of_other_year(told: str, sentence: str, question: str) -> bool:
    """Say whether the year that stands right before a figure is another than the question's.

    Of "18 in 2021, 15 in 2022" the year of neither is known that way; of "2022年18台，2021年15台"
    that of both is. Years in a row (2019, 2018 and 2017) are of figures in a row.
    """
    year, at = _asked(question).year, sentence.find(told)
    if not year or at < 0 or year in told or not any(map(str.isdigit, told)):
        return False
    before, behind = in_place(fold(sentence[:at])), _CLAUSES.split(sentence[at:])[0]
    years = list(_YEAR.finditer(before))
    if not years or years[-1].group() == year or year in behind:
        return False
    if len(years) > 1 and years[-1].start() - years[-2].end() <= IN_A_ROW:
        return False
    between = before[years[-1].end() :]
    return not _APART.search(between) and not _COMPARED.search(before, 0, years[-1].start())


@lru_cache(maxsize=64)
def _asked(question: str) -> _Asked:
    asked = in_place(fold(question))
    years, kind = set(_YEAR.findall(asked)), answer_type(question)
    numbered: dict[str, frozenset[int]] = {}
    for name, number in _numbered(asked):
        numbered[name] = numbered.get(name, frozenset()) | {number}
    return _Asked(
        parts=named_parts(question),
        year=years.pop() if len(years) == 1 and kind != "when" else "",
        numbered=numbered,
        titles=tuple(re.compile(re.escape(title)) for title in _TITLE.findall(asked)),
        rivals=() if kind == "yes_no" else tuple(_named_rivals(asked)),
        names=tuple(_with_additions(asked)),
        roles=() if kind == "yes_no" else tuple(_roles(asked)),
    )


def _roles(asked: str) -> Iterator[tuple[re.Pattern[str], re.Pattern[str]]]:
    for role in () if _PAST.search(asked) else sorted({*_ROLE.findall(asked)}):
        lesser = re.compile(_LESSER + role)
        if not lesser.search(asked):
            yield re.compile(role), lesser


def _has_lesser_only(told: str, role: re.Pattern[str], lesser: re.Pattern[str]) -> bool:
    found = len(lesser.findall(told))
    return found > 0 and found == len(role.findall(told))


def _named_rivals(
    asked: str,
) -> Iterator[tuple[re.Pattern[str], tuple[re.Pattern[str], ...]]]:
    for group in _RIVALS:
        named = [one for one in group if one.search(asked)]
        if len(named) == 1:
            yield named[0], tuple(one for one in group if one is not named[0])


def _names_only(told: str, one: re.Pattern[str], others: Sequence[re.Pattern[str]]) -> bool:
    return not one.search(told) and any(other.search(told) for other in others)


def _is_of_other_part(sentence: str, parts: frozenset[int]) -> bool:
    there = named_parts(sentence)
    return bool(there) and not parts & there


def _is_of_other_year(told: str, year: str) -> bool:
    """Say whether years are told of, but not this one, not even as 21年."""
    years = list(_YEAR.finditer(told))
    if not years or year in told or re.search(rf"(?<!\d){year[2:]}年", told):
        return False
    return any(
        not _COMPARED.search(told, 0, found.start()) and not _beside(told, found) for found in years
    )


def _beside(told: str, year: re.Match[str]) -> bool:
    """Say whether a year stands in brackets with something else: 18 (2018: 15)."""
    opens, closes = told.rfind("(", 0, year.start()), told.find(")", year.end())
    inside = told[opens + 1 : closes] if opens >= 0 and closes >= 0 else ""
    return ")" not in inside and inside.strip(" 年") not in ("", year.group())


def _numbered(text: str) -> Iterator[tuple[str, int]]:
    """Yield names that end in a number (iPhone 15, 小米13, U14): no dates and no amounts."""
    dates = find_dates(text)
    for found in _NUMBERED.finditer(text):
        name, at = found[1], found.start(2)
        if any(one.start <= at < one.end for one in dates) or unit_at(text, found.end()):
            continue
        short = name if name.isascii() else name[-2:]
        if short not in ENGLISH_STOP and not _NO_NAME.search(short):
            yield short, int(found[2])


def _has_other_number(told: str, asked: Mapping[str, frozenset[int]]) -> bool:
    there: dict[str, set[int]] = {}
    for name, number in _numbered(told):
        there.setdefault(name, set()).add(number)
    return any(name in there and not there[name] & numbers for name, numbers in asked.items())


def _is_sequel(told: str, title: re.Pattern[str]) -> bool:
    """Say whether a title is told of, each time with a number behind it."""
    found = list(title.finditer(told))
    return bool(found) and all(_SEQUEL.match(told, one.end()) for one in found)


def _with_additions(asked: str) -> Iterator[tuple[str, re.Pattern[str]]]:
    import rjieba

    for word, tag in rjieba.tag(asked):
        if tag[0] in "njl" and _NAME.fullmatch(word) and not any(one in word for one in _ADDED):
            forms = (f"{word[:at]}[{_ADDED}]{word[at:]}" for at in range(1, len(word)))
            yield word, re.compile("|".join(forms))
