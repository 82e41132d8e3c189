"""What kind of thing a question asks for, and whether a sentence has one."""

from __future__ import annotations

import re
from typing import Literal, get_args

from ragqa.answering.contacts import contact_of, lacks_contact
from ragqa.answering.intervals import tells_interval
from ragqa.answering.quantities import asked_quantity, clause_number, is_other_quantity
from ragqa.answering.terms import HAN
from ragqa.retrieval.folding import fold, simplify

AnswerType = Literal["who", "when", "where", "number", "why", "yes_no", "other"]
TYPES = get_args(AnswerType)

_PATTERNS: tuple[tuple[AnswerType, re.Pattern[str]], ...] = (
    (
        "when",
        re.compile(
            r"何时|什么时候|甚么时候|哪一?年|哪一?天|哪一?日|几月|几年|哪个月|何年|年份|年代|什么时间|"
            r"日期|时间$|世纪|\bwhen\b|"
            r"\b(?:what|which) (?:year|date|day|month|century|decade|time)\b"
        ),
    ),
    (
        "number",
        re.compile(
            r"多少|几|多[大高长远重深宽快久厚]|^(?!.*(?:哪|什么|甚么|谁)).*(?:人数|数量|面积|比例|百分)|"
            r"\bhow (?:many|much|long|tall|old|far|large|big|high|deep|often|fast)\b|"
            r"\bwhat (?:percent\w*|number|proportion|amount|age)\b"
        ),
    ),
    ("who", re.compile(r"谁|哪位|哪一?个人|何人|\bwho\b|\bwhom\b|\bwhose\b|姓名|哪些人")),
    (
        "where",
        re.compile(
            r"哪里|哪儿|何处|何地|什么地方|哪一?个?[国省市县州城区]|位于|\bwhere\b|"
            r"\b(?:what|which) (?:country|city|state|place|continent|town)\b"
        ),
    ),
    ("why", re.compile(r"为什么|为何|原因|\bwhy\b|\breason\b")),
    (
        "yes_no",
        re.compile(
            r"吗[？?]?\s*$|是否|是不是|有没有|"
            r"^(?:is|are|was|were|do|does|did|can|could|has|have|had|will|would|should)\b"
        ),
    ),
)
NUMBER = re.compile(
    r"\d|[一二三四五六七八九十百千万萬亿億两兩][一二三四五六七八九十百千万萬亿億余多]*(?=[\u4e00-\u9fff])|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|hundred|thousand|million|billion|half|third|percent)\b",
    re.IGNORECASE,
)
TIME = re.compile(
    r"\d{2,4}\s*年|\d{1,2}\s*月|\d{1,2}\s*[日号號]|世纪|世紀|年代|[〇零一二三四五六七八九十]{1,4}年|初年|元年|"
    r"\b(?:1[0-9]|20)\d{2}s?\b|\bcentury\b|\b\d{1,3}(?:st|nd|rd|th)\b|"
    r"\b(?:January|February|March|April|May|June|July|August|September|October|November|December)\b"
)
NAME = re.compile(r"\b[A-Z][a-z]+|·|[《“「]")
_PLACE = re.compile(
    r"[国國省市县縣州城区區镇鎮村山河湖岛島路街东東西南北]|\b(?:in|at|near|from|to)\s+(?:the\s+)?[A-Z]"
)
_BODY = re.compile(r"(?:公司|集团|委会|协会|队|部门|机构)$")
CAUSE = re.compile(
    r"因[为為]?|由[于於]|所以|因此|导致|導致|使得|为了|為了|\bbecause\b|\bdue to\b|\bsince\b|"
    r"\btherefore\b|\bin order to\b|\bso that\b|\bcaus",
    re.IGNORECASE,
)


_ASKING = re.compile(r"\b(?:what|which|how|why|when|where|who|whom|whose)\b")
_JOINING = re.compile(r"\b(?:when|where|who|whom|whose)\b")
_LEFT_OPEN = re.compile(r"\b(?:what|when|where|who|whom)\W*$")

_DESCRIBED = re.compile(
    r"特点|特征|措施|由来|怎样|怎么样|怎么办|怎么回事|什么样|如何|原因|为什么|影响|区别|分别|发展|作用|含义|意义|评价|"
    r"\bwhy\b|\bhow (?!many|much|long|often|old|far|big|large|tall|high|soon|early|late|fast)|"
    r"\bwhat (?:aspects|effects?|responses|measures|features|steps|problems|benefits)\b"
)


_WAY = re.compile(r"怎么(?!样)|怎样(?!的)|如何|\bhow (?:to|do|does|can|could|should|may|must)\b")


def answer_type(question: str) -> AnswerType:
    """Return what a question asks for."""
    lowered = _without_joining(fold(question).strip())
    for kind, pattern in _PATTERNS:
        if pattern.search(lowered):
            return kind
    return "other"


def asks_description(question: str) -> bool:
    """Say whether a question asks for more than a few words: ways, reasons, properties, effects."""
    return _DESCRIBED.search(simplify(fold(question))) is not None


def asks_way(question: str) -> bool:
    """Say whether a question asks how something is done: no name alone tells that."""
    return _WAY.search(simplify(fold(question))) is not None


def _without_joining(question: str) -> str:
    """Return an English question without words that ask nothing but join: "goals, when it …".

    The first of them asks, or the last where the question is a sentence left open: "… by whom?".
    """
    asks = _LEFT_OPEN.search(question) or _ASKING.search(question)
    if asks is None:
        return question
    start, end = asks.span()
    return (
        _JOINING.sub("", question[:start]) + question[start:end] + _JOINING.sub("", question[end:])
    )


_BARE: tuple[tuple[AnswerType, re.Pattern[str]], ...] = (
    ("when", re.compile(r"时间|日期")),
    (
        "number",
        re.compile(
            r"(?:产量|奖金|票房|收入|规模|人次|价格|售价|利润|震级|销量|[交出]付量|出货量)"
            r"(?!.{0,6}(?:冠军|第一|最|排[名行]|榜))"
        ),
    ),
    ("who", re.compile(r"主演|导演|作者|教练|冠军|主席|首相|总统|校长|厂长")),
    ("where", re.compile(r"举办[地国]|地点|首都|在哪")),
)
_ANY_TIME = re.compile(
    r"\d|[〇零一二三四五六七八九十]|世纪|世紀|年|月|日|时|期|春|夏|秋|冬|今|昨|明|后|後|前|周|"
    r"century|centuries|day|night|morning|evening|week|month|year|decade|era|age|period|war\b|after|"
    r"before|during|until|spring|summer|autumn|winter|january|february|march|april|may|june|july|"
    r"august|september|october|november|december",
    re.IGNORECASE,
)
_ANY_NUMBER = re.compile(r"\d|[一二三四五六七八九十百千万萬亿億两兩半]")


_ONLY_TIME = re.compile(
    r"(?:上午|下午|晚上|今[天日年]|昨[天日]|明[天日]|[上下本]?周[一二三四五六日末]|去年|前年|当地时间|"
    r"北京时间|[\d\s年月日号时分点:：（）()、,，至到-])+"
)
_CLOCK = re.compile(
    r"\D{0,12}\d{1,2}(?::\d\d|[时点](?:\d{1,2}分?|[整半许])?(?!间)|\s?[ap]\.?m\.?)\D{0,4}"
)
_LASTING = re.compile(
    r"\D{0,4}[第约近]?[一二两三四五六七八九十百\d]+[多余]?(?:天|个?小时|个月|个?星期|周|分钟|"
    r"\s?(?:days?|hours?|months?|weeks?|minutes?))\D{0,2}"
)
_CLAUSES = re.compile(r"[，,。；;：:]")
_ANY_DAY = re.compile(
    r"(?:今[天日]|昨[天日]|明[天日]|当[天日]|近日|日前|[上下中]午|晚上?|早上?|凌晨|刚刚|\s)+|"
    r"(?:to(?:day|night|morrow)|yesterday|recently|now)"
)
_DAY = re.compile(r"(?:\d{2,4}年)?\d{1,2}月\d{1,2}[日号]?|\d{4}年(?:\d{1,2}月)?")
_POINT = re.compile(r"何时|什么时候|时间|日期|哪一?[天日年]|\bwhen\b")
_SPAN = re.compile(r"多长|多少|多久|几[天个]|第几|\bhow (?:long|many)\b")


def is_other_kind(told: str, question: str) -> bool:
    """Say whether a short answer tells a time, and quite another thing is asked for.

    A day is no place, a time of day does not last, and neither "three days" nor "today", which may
    be any day, is when. Of 8,140 gold answers (cmrc2018, drcd, xquad-zh, squad2, rgb) it is said
    of one, which is wrong.
    """
    text, asked = simplify(fold(told)).strip(), simplify(fold(question))
    if answer_type(question) in ("where", "who"):
        return bool(_ONLY_TIME.fullmatch(text))
    if _POINT.search(asked) and not _SPAN.search(asked):
        return bool(_LASTING.fullmatch(text) or _ANY_DAY.fullmatch(text))
    measured = asked_quantity(question)
    return (
        measured is not None
        and "time" in measured
        and bool(_CLOCK.fullmatch(text) or _DAY.fullmatch(text))
    )


def misses_type(told: str, question: str) -> bool:
    """Say whether a short answer cannot be what a question asks for.

    It must say something. Asked for a time or a number, it must have one; in Chinese, where a
    question may only name what it asks for (电影票房), and names are told by their tags, a person
    or a place as well.
    """
    if not any(map(str.isalnum, told)) or lacks_contact(told, question):
        return True
    chinese = bool(HAN.search(question))
    kind = answer_type(question)
    if kind == "other" and chinese:
        kind = next((k for k, named in _BARE if named.search(simplify(question))), kind)
    if is_other_kind(told, question):
        return True
    if kind == "when":
        return not _ANY_TIME.search(told)
    if kind == "number":
        return not _has_number(told, question) or is_other_quantity(told, question)
    if not chinese or not HAN.search(told) or kind not in ("who", "where"):
        return False
    import rjieba

    tags = [tag for _, tag in rjieba.tag(simplify(told))]
    if kind == "who":
        return not any(tag.startswith("n") and tag != "n" for tag in tags)
    if _BODY.search(simplify(told)):
        return True
    return not (_PLACE.search(told) or any(tag.startswith(("ns", "nt", "nr")) for tag in tags))


def asks_itself(sentence: str, told: str = "") -> bool:
    """Say whether a sentence is a question; with ``told``, whether that is asked in it."""
    bare = sentence.rstrip(" \n\t”\"’'）)」』")
    if not bare.endswith(("?", "？")):
        return False
    return not told or told.strip() in _CLAUSES.split(bare)[-1]


def lacks_quantity(told: str, question: str) -> bool:
    """Say whether a question asks for so much of something, and an answer has no number at all."""
    return asked_quantity(question) is not None and not _has_number(told, question)


def _has_number(told: str, question: str) -> bool:
    found = _ANY_NUMBER.search(told) or NUMBER.search(told)
    return bool(found) or tells_interval(told, question)


def bears(sentence: str, kind: AnswerType, question: str) -> bool:
    """Say whether ``sentence`` has something of ``kind`` that the question does not have."""
    if contact_of(question) is not None:
        return not lacks_contact(sentence, question)
    if kind == "who" and any(name not in fold(question) for name in _people(sentence)):
        return True
    if kind == "number":
        sentence = sentence[clause_number(sentence) :]
        if tells_interval(sentence, question):
            return True
        if is_other_quantity(sentence, question):
            return False
    pattern = {"when": TIME, "number": NUMBER, "who": NAME, "where": _PLACE, "why": CAUSE}.get(kind)
    if pattern is None:
        return False
    return any(found.group() not in question for found in pattern.finditer(sentence))


def _people(sentence: str) -> list[str]:
    """Return the Chinese names of people in a sentence, folded."""
    if not HAN.search(sentence):
        return []
    import rjieba

    return [word for word, tag in rjieba.tag(fold(sentence)) if tag.startswith("nr")]
