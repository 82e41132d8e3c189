"""What the generator is asked: a constant part, short numbered passages, the question last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ragqa.answering.sentences import flow, split_sentences
from ragqa.answering.tables import head_of, read_row, tell
from ragqa.types import Message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ragqa.answering.extractive import Candidate
    from ragqa.ports import Generator
    from ragqa.types import Hit, Language, Span

PASSAGE_TOKENS = 200
"""Tokens of the passages together. Small models read short evidence best, and read it faster."""
SHARP = 2.5
"""How much less likely than the best a sentence may be to be shown."""
ANSWER_TOKENS = 96
STOP = ("\n\n", "\n问题", "\n资料", "\nQuestion", "\nPassages", "<|im_end|>")
NOT_FOUND = {"zh": "资料中没有。", "en": "Not in the passages."}

_SYSTEM = {
    "zh": "你只根据资料回答问题。答案要简短，尽量照抄资料里的词语。"
    "资料里没有答案时，只写：资料中没有。",
    "en": "Answer only from the passages. Keep the answer short and copy their words. "
    "When the passages do not have the answer, write only: Not in the passages.",
}
_EXAMPLES: dict[str, tuple[tuple[tuple[str, ...], str, str], ...]] = {
    "zh": (
        (
            (
                "海河大桥全长2.3公里，2011年9月通车，由李文清主持设计。",
                "海河大桥设双向六车道，限速每小时60公里。",
            ),
            "海河大桥是哪一年通车的？",
            "2011年9月",
        ),
        (
            ("云岭茶厂建于1958年，现有职工四百余人。", "云岭茶厂的主要产品是红茶和普洱茶。"),
            "云岭茶厂的现任厂长是谁？",
            "资料中没有。",
        ),
        (
            ("云岭茶厂建于1958年，现有职工四百余人。", "云岭茶厂的主要产品是红茶和普洱茶。"),
            "云岭茶厂主要生产什么？",
            "红茶和普洱茶",
        ),
    ),
    "en": (
        (
            (
                "The Harwell Bridge is 2.3 km long. It opened in September 2011.",
                "The bridge carries six lanes, and its speed limit is 60 km/h.",
            ),
            "When did the Harwell Bridge open?",
            "September 2011",
        ),
        (
            (
                "Oakfield Mill was built in 1858 and employs some 400 people.",
                "The mill mainly makes wool blankets and carpets.",
            ),
            "Who is the director of Oakfield Mill?",
            "Not in the passages.",
        ),
        (
            (
                "Oakfield Mill was built in 1858 and employs some 400 people.",
                "The mill mainly makes wool blankets and carpets.",
            ),
            "What does Oakfield Mill make?",
            "wool blankets and carpets",
        ),
    ),
}
_LABELS = {"zh": ("资料：", "问题：", "答案："), "en": ("Passages:", "Question: ", "Answer:")}


@dataclass(frozen=True, slots=True)
class Prompt:
    """Messages for the generator, and which hits their numbered passages are."""

    messages: tuple[Message, ...]
    shown: tuple[int, ...]
    """Passage ``n`` of the prompt is hit ``shown[n - 1]`` (from 0)."""

    @property
    def text(self) -> str:
        """The messages as one text, for receipts."""
        return "\n".join(f"<{message.role}>\n{message.content}" for message in self.messages)


def write_prompt(
    question: str,
    hits: Sequence[Hit],
    ranked: Sequence[Candidate],
    *,
    language: Language,
    generator: Generator,
    passage_tokens: int = PASSAGE_TOKENS,
) -> Prompt:
    """Write the prompt within a strict budget of the generator's own tokens.

    Args:
        question: The standalone question.
        hits: The passages, best first.
        ranked: Their sentences, likeliest answer first.
        language: The asker's.
        generator: Counts tokens.
        passage_tokens: What the passages may have together.
    """
    constant = _constant(language)
    room = generator.context_tokens - ANSWER_TOKENS - 16 * (len(constant) + 1)
    room -= sum(generator.count_tokens(m.content) for m in constant)
    room -= generator.count_tokens(question) + 16
    evidence = narrow(hits, ranked, generator=generator, tokens=max(0, min(passage_tokens, room)))
    passages = [_tell(hits[hit], spans) for hit, spans in evidence]
    final = Message("user", _ask(passages, question, language))
    return Prompt((*constant, final), tuple(hit for hit, _ in evidence))


def _tell(hit: Hit, spans: Sequence[Span]) -> str:
    if hit.chunk.kind == "table":
        return "\n".join(tell(read_row(hit, span)) for span in spans)
    return flow(" ".join(span.of(hit.chunk.text) for span in spans))


def narrow(
    hits: Sequence[Hit], ranked: Sequence[Candidate], *, generator: Generator, tokens: int
) -> list[tuple[int, list[Span]]]:
    """Choose the sentences that a prompt shows: the likeliest, each with its neighbours.

    Returns:
        Per hit shown, best first: its index and the chosen spans of its text, in reading order.
    """
    split = [split_sentences(hit.chunk.text, hit.chunk.kind) for hit in hits]
    heads = [head_of(hit) for hit in hits]
    chosen: dict[int, set[int]] = {}
    left = tokens

    def take(hit: int, at: int) -> bool:
        nonlocal left
        if not 0 <= at < len(split[hit]) or at in chosen.get(hit, ()):
            return True
        if split[hit][at] == heads[hit]:
            return True  # is told with every row
        cost = generator.count_tokens(split[hit][at].of(hits[hit].chunk.text)) + (
            0 if hit in chosen else 6
        )
        if cost > left:
            return False
        left -= cost
        chosen.setdefault(hit, set()).add(at)
        return True

    places = [
        (c.hit, next((n for n, s in enumerate(split[c.hit]) if s.start == c.span.start), -1))
        for c in ranked
    ]
    for number, (hit, at) in enumerate(places):
        far = number > 0 and ranked[number].score < ranked[0].score - SHARP
        if at < 0 or far or not take(hit, at):
            continue
        if number < 2:
            take(hit, at - 1)
            take(hit, at + 1)
    return [(hit, [split[hit][at] for at in sorted(inside)]) for hit, inside in chosen.items()]


def _constant(language: Language) -> tuple[Message, ...]:
    messages = [Message("system", _SYSTEM[language])]
    for passages, question, answer in _EXAMPLES[language]:
        messages.append(Message("user", _ask(passages, question, language)))
        messages.append(Message("assistant", answer))
    return tuple(messages)


def _ask(passages: Sequence[str], question: str, language: Language) -> str:
    head, ask, answer = _LABELS[language]
    numbered = "\n".join(f"[{n}] {passage}" for n, passage in enumerate(passages, 1))
    return f"{head}\n{numbered}\n{ask}{question}\n{answer}"
