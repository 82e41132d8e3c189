"""What the in-process model has read is not read again, and nothing is read for those who left."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from ragqa.models.kept_prompts import KeptPrompts, shared
from ragqa.models.llama_cpp import PIECE, LlamaCppGenerator
from ragqa.types import Message

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

ABOUT_A_KETTLE = "滤芯每六个月更换一次，水箱容量为一点八升。" * 12
ABOUT_A_BRIDGE = "The bridge is two miles long and opened in the spring of last year. " * 14


@pytest.fixture(scope="module")
def llama(llm_file: Path, threads: int, gpu_layers: int) -> Iterator[LlamaCppGenerator]:
    generator = LlamaCppGenerator(
        llm_file, context_tokens=1024, threads=threads, gpu_layers=gpu_layers
    )
    yield generator
    generator.close()


@contextmanager
def listening(llama: LlamaCppGenerator) -> Iterator[list[int]]:
    """Note how many tokens the model reads each time."""
    read: list[int] = []
    evaluate = llama._llama.eval

    def listen(tokens: Sequence[int]) -> None:
        read.append(len(tokens))
        evaluate(tokens)

    llama._llama.eval = listen
    try:
        yield read
    finally:
        llama._llama.eval = evaluate


def ask(llama: LlamaCppGenerator, passage: str, question: str) -> str:
    prompt = [Message("user", f"{passage}\n{question}")]
    return "".join(token.text for token in llama.generate(prompt, max_tokens=6))


def test_conversations_that_take_turns_are_not_read_again(llama: LlamaCppGenerator) -> None:
    with listening(llama) as read:
        ask(llama, ABOUT_A_KETTLE, "滤芯多久更换？")
        ask(llama, ABOUT_A_BRIDGE, "How long is it?")
        assert sum(read) > 300
        read.clear()
        ask(llama, ABOUT_A_KETTLE, "水箱多大？")
        ask(llama, ABOUT_A_BRIDGE, "When did it open?")

    assert sum(read) < 70


def test_what_is_put_back_is_continued_as_if_it_had_been_read(llama: LlamaCppGenerator) -> None:
    llama.forget()
    fresh = ask(llama, ABOUT_A_BRIDGE, "How long is it?")
    ask(llama, ABOUT_A_KETTLE, "水箱多大？")

    with listening(llama) as read:
        again = ask(llama, ABOUT_A_BRIDGE, "How long is it?")

    assert again == fresh
    assert read[0] == 1


def test_no_more_is_kept_than_there_is_room_for(llama: LlamaCppGenerator) -> None:
    ask(llama, ABOUT_A_KETTLE, "水箱多大？")
    kept = KeptPrompts(llama._llama, room=6 << 20)
    for question in ("一？", "二？", "三？"):
        ask(llama, ABOUT_A_KETTLE, question)
        kept.keep()

    held = sum(len(state) for state in kept._kept.values())
    assert 0 < held <= 6 << 20
    assert len(kept._kept) < 3


def test_who_leaves_while_the_prompt_is_read_stops_the_reading(llama: LlamaCppGenerator) -> None:
    llama.forget()
    with listening(llama) as read:
        stream = llama.generate([Message("user", ABOUT_A_BRIDGE * 2)], max_tokens=50)
        assert next(stream).text == ""
        stream.close()

    assert read == [PIECE]


def test_who_leaves_while_others_have_the_model_has_nothing_read(
    llama: LlamaCppGenerator,
) -> None:
    first = llama.generate([Message("user", "Count to 100.")], max_tokens=100)
    while not next(first).text:
        pass
    with listening(llama) as read:
        second = llama.generate([Message("user", ABOUT_A_BRIDGE)], max_tokens=50)
        assert next(second).text == ""
        second.close()
        waiting = threading.Thread(target=ask, args=(llama, "", "Say yes."))
        waiting.start()
        first.close()
        waiting.join(60)

    assert not waiting.is_alive()
    assert sum(read) < PIECE


@pytest.mark.parametrize(
    ("one", "other", "count"),
    [([1, 2, 3], [1, 2, 4, 5], 2), ([], [1], 0), ([1, 2], [1, 2, 3], 2), ([2], [1], 0)],
)
def test_what_two_prompts_share_is_their_beginning(
    one: list[int], other: list[int], count: int
) -> None:
    assert shared(one, other) == count
