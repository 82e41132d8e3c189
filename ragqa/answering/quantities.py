"""Which quantity a question asks for: an amount of money is no percentage, a length no duration."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from ragqa.answering.dates import find_dates
from ragqa.answering.intervals import asks_interval, is_lasting
from ragqa.answering.numbers import find_numbers
from ragqa.retrieval.folding import fold, simplify

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ragqa.answering.numbers import Number

MONEY = frozenset(
    ("yuan", "usd", "euro", "pound", "yen", "hkd", "twd", "franc", "ruble", "rupee", "won")
)
_SHARE = re.compile(
    r"百分之|百分比|比例|比率|比重|占比|几成|几折|"
    r"\bpercent|\bproportion\b|\bshare of\b|\bfraction\b"
)
_WHICH = re.compile(r"哪|什么|\bwh(?:ich|o)\b")
_ASKS_NAME = re.compile(r"谁|甚么|何[时处地人]")
_ASKED: tuple[tuple[re.Pattern[str], frozenset[str]], ...] = (
    (
        re.compile(r"(?:多少|几)[万亿]*(?:美元|美金)|\bhow many (?:us )?dollars\b"),
        frozenset(("usd",)),
    ),
    (re.compile(r"(?:多少|几)[万亿]*欧元|\bhow many euros?\b"), frozenset(("euro",))),
    (re.compile(r"(?:多少|几)[万亿]*人民币|\bhow many (?:yuan|rmb)\b"), frozenset(("yuan",))),
    (
        re.compile(
            r"多少钱|几块钱|几元|多少[元块]|(?:总价|单价|价格|价款|售价|价钱|费用|租金|薪水|工资|金额|票价)"
            r"(?:是|为|有|要|需要|约|达)*(?:多少|几)|多少(?:美|欧|日|港|英)?[元镑]|"
            r"\bhow much (?:money|(?:does|did|do|will|would) .+ (?:cost|earn|pay|charge)\b)|"
            r"\bhow much (?:can|may|could|should) .+ (?:spend|pay|claim|charge)\b|"
            r"\bhow much (?:was|is|were) .+ (?:paid|sold for|charged)\b|"
            r"\bhow much (?:is|was|are|were) (?:the|an?) (?:[a-z-]+ ){0,4}(?:price|cost|fee|salary|"
            r"fare|rent|fine|deposit|ticket|allowance|charge|budget|grant)s?\b|"
            r"\bwhat (?:is|was|are|were) the (?:[a-z-]+ ){0,2}(?:price|cost|fee|salary|fare|rent)\b"
        ),
        MONEY,
    ),
    (
        re.compile(
            r"多久|多长时间|多少(?:天|个?月|周|个?小时|分钟|秒)|几(?:天|个月|周|个?小时|分钟|秒)|"
            r"\bhow many (?:days|months|weeks|hours|minutes|seconds)\b|\bhow (?:often|frequently)\b"
        ),
        frozenset(("time", "months", "decade", "age", "times")),
    ),
    (re.compile(r"\bhow long\b"), frozenset(("time", "months", "decade", "length", "age"))),
    (
        re.compile(r"多远|多宽|多深|\bhow (?:far|tall|wide|deep)\b"),
        frozenset(("length", "time", "months", "floors", "rank")),
    ),
    (re.compile(r"多重|\bhow heavy\b|\bhow much .+ weigh"), frozenset(("mass",))),
    (
        re.compile(r"几度|多少(?:摄氏)?度|温度(?:是|为)?多少"),
        frozenset(("temperature", "fahrenheit")),
    ),
)
SHARES = frozenset(("percent",))
_DURATIONS = frozenset(("time", "months"))
_THINGS = frozenset(("mass", "volume", "vehicles", "houses", "persons"))
_NO_RANK = "(?!.{0,6}(?:冠军|第|最|排[名行]|榜))"
_BARE: tuple[tuple[re.Pattern[str], frozenset[str]], ...] = (
    (re.compile(rf"(?:产|销|交付|交货|出货)量{_NO_RANK}"), _THINGS),
    (re.compile(rf"(?:票房|奖金|营收|营业额|售价|票价|身价|市值){_NO_RANK}"), MONEY),
)
"""What may be asked for by its name alone (电影票房), and what that is measured in."""
_MEASURES = MONEY.union(
    (
        "percent",
        "time",
        "months",
        "length",
        "area",
        "volume",
        "mass",
        "temperature",
        "date",
        "part",
    ),
    ("persons", "houses", "vehicles", "by_share", "rate", "lasting"),
)
"""What is never told for another of these."""
_SHARE_BEFORE = re.compile(r"每股[^\d，,、；;。]{0,6}$")
_SHARE_AFTER = re.compile(r"[^\d，,、；;。]{0,4}(?:[/每]股|\b(?:per|an?|each) share\b)")
_ASKS_SHARE = re.compile(r"股|价|派息|分红|\b(?:shares?|stocks?|dividends?|eps|prices?)\b")
_PART = re.compile(
    r"第? *\d+(?:\.\d+)* *[节章条款页](?!目)|[表图] *\d+(?:[-.]\d+)*|"
    r"\b(?:section|chapter|clause|article|table|figure|page|step)s? \d+(?:[-.]\d+)*",
    re.IGNORECASE,
)
"""A part of a document that a sentence refers to; its number measures nothing."""
_RATE_BEFORE = re.compile(r"(?:每|均|单产|亩产)[^\d，,、；;。]{0,6}$")
_RATE_AFTER = re.compile(
    r"[^\d，,、；;。]{0,2}[/每](?:亩|公顷|平方|立方|[人户天日月年时秒吨斤克升米]|小时|分钟|公[斤里顷]|千克)|"
    r"[^\d，,、；;。]{0,4}\bper\b"
)
_ASKS_RATE = re.compile(
    r"每|均|率|密度|浓度|含量|强度|流量|用量|单产|亩产|速|\b(?:per|rate|density|speed|average)\b"
)
_ASKS_CHANGE = re.compile(
    r"(?:增长|增加|提高|提升|上升|上涨|下降|减少|下跌|降低|增|涨|降|跌)(?:幅度?)?(?:了|是|为|达)*(?:多少|几)|"
    r"(?:增|涨|降|跌|升)幅|"
    r"\bhow much (?:did|has|have) .+ (?:grow|grown|rise|risen|increased?|fall|fallen|"
    r"declined?|decreased?|dropped|drop)\b"
)
_UNDATED = (SHARES, _THINGS, frozenset(("mass",)), frozenset(("temperature", "fahrenheit")))
_AMOUNTS = re.compile(
    r"多少|几[个天年月元次]|限额|标准|上限|单价|总价|价格|费率|"
    r"\bhow (?:much|many)\b|\bwh(?:at|ich) (?:is|are|was|were)\b.+"
    r"\b(?:limit|allowance|rate|price|cost|fee|amount|number|total|quota|maximum|minimum)s?\b"
)
_CLAUSE = re.compile(
    r"\s*(?:§\s*)?(?:\d+[.、．](?!\d)|[(（]\d{1,2}[)）]|\d{1,2}[)）]|"
    r"\d+(?:\.\d+)+\.?(?=\s+[A-Z][a-z]|\s+[\u4e00-\u9fff](?<![万亿百千多余倍元个])))"
)
_MOST = re.compile(
    r"(?:不(?:得)?超过|不(?:得)?高于|不多于|至多|最多|最高|上限为|"
    r"\bup to|\bat most|\b(?:no|not) more than|\b(?:not|never) exceed(?:ing)?|\bmaximum of)"
    r"[^,，;；。.、\d]{0,12}$",
    re.IGNORECASE,
)
"""What stands before a number that is the most that something may be."""
_ASKS_MOST = re.compile(
    r"超过|最[高多大]|至多|上限|限额|封顶|\b(?:most|maximum|limit|cap|highest|exceed|up to)\b"
)
_ASKS_CLAUSE = re.compile(
    r"第?[几哪]一?[个]?[条款节章号]|编号|条款|章节|"
    r"\b(?:section|clause|article|paragraph|chapter|item)\b"
)


def clause_number(sentence: str) -> int:
    """Return where the number ends that a clause or an item of a list begins with; 0: none."""
    found = _CLAUSE.match(sentence)
    return found.end() if found else 0


def clause_of(sentence: str) -> str:
    """Return the number that a clause or an item of a list begins with, bare; empty: none."""
    return sentence[: clause_number(sentence)].strip(" .、．()（）\n")


def asked_quantity(question: str) -> frozenset[str] | None:
    """Return the dimensions that an answer may be measured in; None where any will do."""
    folded = simplify(fold(question))
    if _SHARE.search(folded):
        return None if _WHICH.search(folded) else SHARES
    asked = next((told for pattern, told in _ASKED if pattern.search(folded)), None)
    if asked is not None or any(
        other.search(folded) for other in (_WHICH, _ASKS_NAME, _ASKS_CHANGE)
    ):
        return asked
    return next((told for pattern, told in _BARE if pattern.search(folded)), None)


def is_other_quantity(text: str, question: str) -> bool:
    """Say whether all that ``text`` measures is something else than is asked for.

    A bare number and a count of things may be anything, and what is paid for a share is not what is
    paid; without a number nothing is measured.
    """
    asked = asked_quantity(question)
    kinds = [kind for *_, kind in _measured(in_place(text), question)] if asked else []
    return bool(kinds) and all(_is_other(kind, asked) for kind in kinds)


def find_other_quantities(
    text: str, question: str
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Return where ``text`` measures what is not asked for, and where it may be what is.

    What is only the most that something may be (不超过 10%) is not asked for either, where the text
    has another number of the kind and the question does not ask for the most.
    """
    asked = asked_quantity(question)
    if asked is None:
        return [], []
    folded = in_place(text)
    measured = _measured(folded, question)
    right = [(start, end) for start, end, kind in measured if kind in asked]
    most = [] if _ASKS_MOST.search(simplify(fold(question))) else _limits(folded, right)
    most = most if len(most) < len(right) else []
    other = [(start, end) for start, end, kind in measured if _is_other(kind, asked)]
    fitting = [
        (start, end)
        for start, end, kind in measured
        if kind in asked or kind == "" or (kind == "date" and not _is_other(kind, asked))
    ]
    return sorted(other + most), [place for place in fitting if place not in most]


def in_place(text: str) -> str:
    """Return ``text`` as ``ragqa.answering.numbers`` reads it, every character in its place."""
    folded = (unicodedata.normalize("NFKC", one) for one in text)
    same = "".join(new if len(new) == 1 else old for old, new in zip(text, folded, strict=True))
    same = re.sub(r"\s", " ", re.sub(r"[\u2010-\u2015\u2212]", "-", same))
    simple = simplify(same)
    return simple if len(simple) == len(text) else same


def asks_amount(question: str) -> bool:
    """Say whether what a question names can only be told by a number: a limit, a price."""
    return bool(_AMOUNTS.search(simplify(fold(question))))


def asks_change(question: str) -> bool:
    """Say whether a question asks how much something grew or fell."""
    return bool(_ASKS_CHANGE.search(simplify(fold(question))))


def names_clause(question: str) -> bool:
    """Say whether the number of a clause may be what is asked for."""
    return bool(_ASKS_CLAUSE.search(simplify(fold(question))))


def _limits(text: str, numbers: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return those of ``numbers`` that ``text`` tells as the most that something may be."""
    return [(start, end) for start, end in numbers if _MOST.search(text, max(0, start - 24), start)]


def _is_other(kind: str, asked: frozenset[str] | None) -> bool:
    if asked is None or kind in asked or kind not in _MEASURES:
        return False
    return kind != "date" or asked in _UNDATED or asked <= MONEY


def _measured(text: str, question: str) -> list[tuple[int, int, str]]:
    """Return where each number and date stands, and its dimension.

    Of a date it is ``date``, of the number of a section or a table ``part``, and of money that is
    told by the share (每股95美元) ``by_share``, of what is told by the area, the head or the hour
    (每亩132公斤) ``rate``, unless the question asks for that. Where it asks how often something is
    done, what then takes so long (更换后冲洗40分钟) is ``lasting``.
    """
    named = [(*found.span(), "part") for found in _PART.finditer(text)]
    named += [
        (one.start, one.end, "date")
        for one in find_dates(text)
        if not any(start <= one.start < end for start, end, _ in named)
    ]
    asked = simplify(fold(question))
    whole, of_all = not _ASKS_SHARE.search(asked), not _ASKS_RATE.search(asked)
    often = asks_interval(question)

    def kind_of(number: Number) -> str:
        if whole and number.unit in MONEY and _by_share(text, number):
            return "by_share"
        if of_all and number.unit in _THINGS and _is_rate(text, number):
            return "rate"
        if often and number.unit in _DURATIONS and is_lasting(text, number.start):
            return "lasting"
        return number.unit

    numbers = [
        (one.start, one.end, kind_of(one))
        for one in find_numbers(text)
        if not any(start <= one.start < end for start, end, _ in named)
    ]
    return [*named, *numbers]


def _by_share(text: str, number: Number) -> bool:
    before = _SHARE_BEFORE.search(text, 0, number.start)
    return bool(before or _SHARE_AFTER.match(text, number.end))


def _is_rate(text: str, number: Number) -> bool:
    before = _RATE_BEFORE.search(text, 0, number.start)
    return bool(before or _RATE_AFTER.match(text, number.end))
