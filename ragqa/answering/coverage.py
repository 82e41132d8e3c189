"""How much of a claim's wording its source has, and which Chinese words of it the source lacks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ragqa.answering.mentions import SENTENCE_STARTERS
from ragqa.answering.terms import ENGLISH_STOP, stem

if TYPE_CHECKING:
    from ragqa.answering.mentions import Mentions

_CJK = re.compile(r"[\u3400-\u9fff]+")
_WORD = re.compile(r"[a-z]+(?:['.-][a-z]+)*")
SMALL_CHARACTERS = frozenset("的了是在和与及被将于之其有为以由曾就都把也又而且或但并从到对这该那它他她们个等时约则")
PLAIN_WORDS = frozenset(
    ["根据", "资料", "文档", "文中", "显示", "记载", "提到", "指出", "其中", "因此", "所以", "由于", "因为", "但是", "然而", "不过", "同时", "此外", "另外", "以及", "并且", "而且", "或者", "大约", "约为", "左右", "一共", "总共", "共有", "一共", "共计", "达到", "分别", "包括", "包含", "位于", "处于", "属于", "成为", "作为", "称为", "叫做", "名为", "也就", "就是", "即为", "这是", "这个", "那个", "这些", "那些", "该国", "该市", "当时", "之后", "之前", "以后", "以前", "后来", "随后", "目前", "现在", "已经", "曾经", "主要", "通过", "进行", "可以", "能够", "需要", "应该", "没有", "拥有", "具有", "存在", "发生", "出现", "开始", "结束", "答案", "问题", "问及", "回答", "时间", "地点", "原因", "方式", "情况", "人数", "数量", "名字", "名称", "表示", "认为", "可知", "于是", "例如", "比如", "如下", "以下", "上述", "对于", "关于", "至于", "自己", "他们", "她们", "它们", "我们", "使得", "导致", "以致", "从而", "原名", "全称", "简称", "又称", "别称"]
)


_FREE_WORDS = ENGLISH_STOP | SENTENCE_STARTERS | {"document", "documents", "passage", "passages"}


def foreign_runs(claim: Mentions, source: Mentions) -> list[str]:
    """Return runs of Chinese characters of ``claim`` that ``source`` has in no such order.

    Numbers, dates and codes are compared elsewhere; small words of grammar are free.
    """
    pairs, single = _pairs(source.text)
    found: list[str] = []
    for run in _chinese_runs(claim):
        strange = ""
        for at, character in enumerate([*run, ""]):
            if character and not _known(run, at, pairs, single):
                strange += character
                continue
            if strange and _says_something(strange):
                found.append(strange)
            strange = ""
    return found


def coverage(claim: Mentions, source: Mentions) -> float:
    """Return the share, 0 to 1, of what ``claim`` says that ``source`` has; hard facts included."""
    pairs, single = _pairs(source.text)
    all_of_it = there = 0
    for run in _chinese_runs(claim):
        for at, character in enumerate(run):
            if character in SMALL_CHARACTERS:
                continue
            all_of_it += 1
            there += _known(run, at, pairs, single)
    for word in _WORD.findall(_uncovered(claim).casefold()):
        if word not in _FREE_WORDS:
            all_of_it += 2
            there += 2 * (stem(word) in source.words)
    return there / all_of_it if all_of_it else 1.0


def _chinese_runs(claim: Mentions) -> list[str]:
    return _CJK.findall(_uncovered(claim))


def _uncovered(claim: Mentions) -> str:
    characters = list(claim.text)
    for start, end in claim.covered:
        characters[start:end] = " " * (end - start)
    return "".join(characters)


def _pairs(text: str) -> tuple[frozenset[str], frozenset[str]]:
    runs = _CJK.findall(text)
    pairs = frozenset(run[i : i + 2] for run in runs for i in range(len(run) - 1))
    return pairs, frozenset(character for run in runs for character in run)


def _known(run: str, at: int, pairs: frozenset[str], single: frozenset[str]) -> bool:
    if len(run) == 1:
        return run in single
    return run[at : at + 2] in pairs or (at > 0 and run[at - 1 : at + 1] in pairs)


def _says_something(strange: str) -> bool:
    """Say whether characters are more than grammar."""
    rest = strange
    while rest:
        if rest[:2] in PLAIN_WORDS:
            rest = rest[2:]
        elif rest[0] in SMALL_CHARACTERS:
            rest = rest[1:]
        else:
            return True
    return False
