"""Made-up facts of contracts, manuals, policies and reports: passages, and a question about one.

A line of ``answers_facts.zh.txt`` or ``answers_facts.en.txt`` is one fact: the kind of document
that states it, the kind of its value, ways of stating it, ways of asking for it, often in words
that are not those of the statement. No text is anybody's; every value is drawn anew.
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from answers_adapter_names import one_of, rows_of
from answers_adapter_values import write_value

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from ragqa.types import Language

LANGUAGES: tuple[Language, ...] = ("zh", "en")
PRESENT = 0.58
"""Share of questions whose answer is among the passages."""
NAMED = 0.25
"""Share of questions that name the document."""
KEPT_BACK = 25
"""One in so many made-up examples is kept back to measure on."""
DOCUMENTS = {
    "合同": ("本合同", "设备采购合同", "供货协议", "服务合同"),
    "手册": ("使用手册", "说明书", "操作指南"),
    "制度": ("公司制度", "员工手册", "管理办法"),
    "报告": ("年度报告", "年报", "工作总结"),
    "contract": ("the contract", "the agreement"),
    "manual": ("the manual",),
    "policy": ("our policy", "the company handbook"),
    "report": ("the annual report", "the report"),
}
HEADS = {
    "zh": ("项目：", "参数 ", "规格 ", "内容 ", "数值 ", ""),
    "en": ("Value ", "Specification ", "Details ", ""),
}
"""What a cell of a table that was read as text has before its value."""
AROUND = {("zh", "weekday"): "周{v}", ("zh", "count"): "{v}份"}
"""Answers that are more than the value."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Ways to state one kind of fact, with ``{v}`` for its value, and ways to ask for it."""

    kind: str
    statements: list[str]
    questions: list[str]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question about some passages; ``answer`` is None where they do not have it."""

    language: Language
    question: str
    passages: list[str]
    answer: str | None
    kept_back: bool


def read_facts() -> dict[tuple[Language, str], list[Fact]]:
    """Return the facts by language and kind of document."""
    found: dict[tuple[Language, str], list[Fact]] = defaultdict(list)
    for language in LANGUAGES:
        for (document,), (kind,), statements, asked in rows_of(f"answers_facts.{language}.txt"):
            found[language, document].append(Fact(kind, statements, asked))
    return dict(found)


def make_up(count: int, seed: int) -> Iterator[Asked]:
    """Yield at most ``count`` questions about made-up facts, the same ones every time.

    Beside the fact asked for stand up to seven others of the same kind of document, some of them
    with a value of the same kind: which percentage is meant, only its sentence tells.
    """
    chance = random.Random(seed)
    facts = read_facts()
    for number in range(count):
        language, document = chance.choice(list(facts))
        fact = chance.choice(facts[language, document])
        value = write_value(fact.kind, chance, language)
        others = _beside(fact, facts[language, document], chance)
        present = chance.random() < PRESENT
        told = []
        for other in others:
            another = write_value(other.kind, chance, language)
            if another != value:
                told.append(_state(other, another, language, chance))
        question = _ask(fact, document, language, chance)
        if present:
            at = chance.choice([0, 0, chance.randint(0, len(told))])
            told.insert(at, _state(fact, value, language, chance))
        if told:
            answer = AROUND.get((language, fact.kind), "{v}").replace("{v}", value)
            yield Asked(
                language,
                question,
                _gather(told, language, chance),
                answer if present else None,
                number % KEPT_BACK == 0,
            )


def _beside(fact: Fact, facts: list[Fact], chance: Random) -> list[Fact]:
    near = [other for other in facts if other is not fact and other.kind == fact.kind]
    far = [other for other in facts if other.kind != fact.kind]
    chance.shuffle(near)
    chance.shuffle(far)
    size = chance.randint(2, 7)
    others = [*near[: chance.randint(0, 3)], *far][:size]
    chance.shuffle(others)
    return others


def _state(fact: Fact, value: str, language: Language, chance: Random) -> str:
    """Return a statement as a sentence, a numbered clause, or a row of a table read as text."""
    stated = chance.choice(fact.statements).replace("{v}", value)
    mark, comma, stop = ("：", "，", "。") if language == "zh" else (": ", ", ", ".")
    if mark in stated and chance.random() < 0.5:
        name, said = stated.split(mark, 1)
        if chance.random() < 0.6:
            return f"{name}{mark}{chance.choice(HEADS[language])}{said}"
        return f"{name}{comma}{said}"
    clause = f"{chance.randint(1, 12)}.{chance.randint(1, 9)} "
    if language == "zh":
        article = f"第{'一二三四五六七八九十'[chance.randint(0, 9)]}条 "
    else:
        article = f"{chance.randint(1, 9)}. "
    return one_of(chance, "", "", "", clause, article) + stated + stop


def _ask(fact: Fact, document: str, language: Language, chance: Random) -> str:
    question = chance.choice(fact.questions)
    if chance.random() >= NAMED:
        return question
    name = chance.choice(DOCUMENTS[document])
    first = chance.random() < 0.5
    if language == "zh":
        return f"{name}里，{question}" if first else f"{name}中{question}"
    return f"{question.rstrip('?')} according to {name}?" if first else question


def _gather(told: list[str], language: Language, chance: Random) -> list[str]:
    """Return passages of one to three statements each, on one line or several."""
    passages = []
    while told:
        size = chance.randint(1, 3)
        space = "" if language == "zh" else " "
        passages.append((space if chance.random() < 0.7 else "\n").join(told[:size]))
        told = told[size:]
    return passages
