"""A model that other passages distract is shown the best ones alone before it is believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ragqa.answering.answerer import Answerer, Event, Finished
from ragqa.store.quotes import StoredQuotes
from ragqa.types import Answer, Token, Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from ragqa.types import Message
    from ragqa.wiring import Services

QUESTION = "海河大桥的限速是多少？"
BRIDGE = "海河大桥限速每小时60公里。"
OTHERS = "海河大桥的引桥长0.8公里，桥上有限高标志。"
ANSWER = "每小时60公里"
REFUSAL = "资料中没有。"


class Distracted:
    """A generator that answers where it is shown one passage, and doubts where there are more."""

    name = "distracted"
    context_tokens = 2048

    def __init__(self, answer: str, *, alone: float, among: float = 0.9) -> None:
        self.answer, self.alone, self.among = answer, alone, among
        self.asked: list[str] = []
        self.stopped = 0

    def count_tokens(self, text: str) -> int:
        return len(text)

    def generate(
        self, messages: Sequence[Message], *, max_tokens: int, stop: Sequence[str] = ()
    ) -> Generator[Token, None, Usage]:
        self.asked.append(messages[-1].content)
        doubt = self.among if "\n[2]" in messages[-1].content else self.alone
        said = REFUSAL if doubt > 0.5 else self.answer
        try:
            for character in said:
                yield Token(character)
        finally:
            self.stopped += 1
        return Usage(100, len(said), doubt)


@pytest.fixture
def ready(take_in_pdfs: Callable[[dict[str, str]], Services]) -> Services:
    return take_in_pdfs({"bridge.pdf": BRIDGE, "others.pdf": OTHERS})


def ask(ready: Services, generator: Distracted) -> Generator[Event, None, None]:
    search = ready.retriever("hashing")
    quotes = StoredQuotes(ready.database)
    answerer = Answerer(generator, ready.embedder("hashing"), search, quotes)
    return answerer.ask(QUESTION, "demo")


def last(events: Sequence[Event]) -> Answer:
    finished = events[-1]
    assert isinstance(finished, Finished)
    return finished.answer


def test_what_the_best_passage_alone_tells_is_answered(ready: Services) -> None:
    generator = Distracted(ANSWER, alone=0.001)

    events = list(ask(ready, generator))

    answer = last(events)
    assert answer.text == f"{ANSWER}[1]"
    assert [citation.filename for citation in answer.citations] == ["bridge.pdf"]
    first, *alone = generator.asked
    assert "引桥" in first
    assert "限速" in first
    assert ["引桥" in one for one in alone] == [False, True]
    assert answer.usage == Usage(300, len(REFUSAL) + 2 * len(ANSWER), 0.001)
    # Only what was written first is passed on.
    assert "".join(event.text for event in events if isinstance(event, Token)) == REFUSAL


def test_doubt_about_each_passage_too_is_a_refusal(ready: Services) -> None:
    generator = Distracted(ANSWER, alone=0.999, among=0.99)

    answer = last(list(ask(ready, generator)))

    assert answer.refusal is not None
    assert answer.refusal.reason == "no_evidence"
    assert answer.usage.doubt == 0.999
    assert len(generator.asked) == 3


def test_a_draft_that_no_passage_alone_bears_out_is_not_believed(ready: Services) -> None:
    generator = Distracted(ANSWER, alone=0.999, among=0.2)

    answer = last(list(ask(ready, generator)))

    assert not answer.answered
    assert len(generator.asked) == 3


def test_a_model_that_is_sure_is_asked_once(ready: Services) -> None:
    generator = Distracted(ANSWER, alone=0.001, among=0.001)

    assert last(list(ask(ready, generator))).text == f"{ANSWER}[1]"
    assert len(generator.asked) == 1


def test_closing_stops_a_second_reading_too(ready: Services) -> None:
    generator = Distracted(ANSWER, alone=0.001)
    events = ask(ready, generator)
    while len(generator.asked) < 2:
        next(events)

    events.close()

    assert generator.stopped == 2
