"""Where passages in the question's language have no answer, those in the other one are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ragqa.answering.answerer import Answerer, Event, Evidence, Finished
from ragqa.store.quotes import StoredQuotes
from ragqa.types import Answer, Token, Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from ragqa.types import Message
    from ragqa.wiring import Services

QUESTION = "HB-60 大桥的限速是多少？"
CHINESE = "HB-60 大桥有限高标志，引桥长0.8公里。"
ENGLISH = "The speed limit of bridge HB-60\nis 60 km per hour."
ANSWER, REFUSAL = "60 km per hour", "资料中没有。"


class Reader:
    """A generator that finds an answer in English passages, if it is to find any."""

    name = "reader"
    context_tokens = 2048

    def __init__(self, *, finds: bool) -> None:
        self.finds = finds
        self.asked: list[str] = []
        self.running = 0

    def count_tokens(self, text: str) -> int:
        return len(text)

    def generate(
        self, messages: Sequence[Message], *, max_tokens: int, stop: Sequence[str] = ()
    ) -> Generator[Token, None, Usage]:
        self.asked.append(messages[-1].content)
        found = self.finds and "speed limit" in messages[-1].content
        said = ANSWER if found else REFUSAL
        self.running += 1
        try:
            for character in said:
                yield Token(character)
        finally:
            self.running -= 1
        return Usage(100, len(said), 1e-9 if found else 0.9999)


@pytest.fixture
def ready(take_in_pdfs: Callable[[dict[str, str]], Services]) -> Services:
    return take_in_pdfs({"chinese.pdf": CHINESE, "english.pdf": ENGLISH})


def ask(ready: Services, generator: Reader) -> Generator[Event, None, None]:
    search, quotes = ready.retriever("hashing"), StoredQuotes(ready.database)
    return Answerer(generator, ready.embedder("hashing"), search, quotes).ask(QUESTION, "demo")


def last(events: Sequence[Event]) -> Answer:
    finished = events[-1]
    assert isinstance(finished, Finished)
    return finished.answer


def test_the_other_language_is_read_and_nothing_of_it_passed_on_but_the_answer(
    ready: Services,
) -> None:
    generator = Reader(finds=True)

    events = list(ask(ready, generator))

    answer = last(events)
    assert ANSWER in answer.text
    assert [citation.filename for citation in answer.citations] == ["english.pdf"]
    assert "speed limit" not in generator.asked[0]
    assert "限高" not in generator.asked[-1]
    assert "".join(event.text for event in events if isinstance(event, Token)) == REFUSAL
    assert sum(isinstance(event, Evidence) for event in events) == 1
    assert answer.usage.prompt_tokens == 100 * len(generator.asked)


def test_what_neither_language_has_is_refused(ready: Services) -> None:
    generator = Reader(finds=False)

    answer = last(list(ask(ready, generator)))

    assert not answer.answered
    assert any("speed limit" in prompt for prompt in generator.asked)


def test_an_asker_who_leaves_meanwhile_stops_it(ready: Services) -> None:
    generator = Reader(finds=True)
    events = ask(ready, generator)
    for _ in events:
        if any("speed limit" in prompt for prompt in generator.asked):
            break

    assert generator.running == 1
    events.close()
    assert generator.running == 0
