"""When to say that the documents do not have the answer, and how."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from ragqa.answering.terms import language_of
from ragqa.retrieval.folding import simplify
from ragqa.types import Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ragqa.answering.extractive import Candidate
    from ragqa.types import Answer, Hit, Language, RefusalReason

LEGIBLE = 0.7
"""Mean confidence, 0 to 1, from which on a scanned page counts as read."""
NEAREST = 3
_MESSAGES: dict[Language, dict[RefusalReason, str]] = {
    "zh": {
        "no_documents": "这个集合里还没有可以查的文档。请先上传文档，等它处理完再提问。",
        "no_evidence": "文档中没有找到这个问题的答案。下面是最接近的段落。",
        "unsupported_draft": "模型写出的答案在文档里找不到依据，因此不给出。下面是最接近的段落。",
        "low_ocr_confidence": "最接近的段落来自识别不清的扫描页，不足以据此回答。请对照原页核对。",
        "conflicting_evidence": "文档对此说法不一，无法给出唯一的答案。下面列出各处的说法。",
    },
    "en": {
        "no_documents": "This collection has no documents to search yet. "
        "Upload some, and ask again when they are ready.",
        "no_evidence": "The documents do not seem to answer this question. "
        "The nearest passages are below.",
        "unsupported_draft": "What the model wrote is not borne out by the documents, "
        "so it is withheld. The nearest passages are below.",
        "low_ocr_confidence": "The nearest passages come from scanned pages that could not be "
        "read reliably. Please check the pages themselves.",
        "conflicting_evidence": "The documents disagree on this, so there is no single answer. "
        "What each says is below.",
    },
}
_UNREAD: dict[Language, str] = {
    "zh": "还有 {} 个文档正在读取，读完后可以再问一次。",
    "en": "Still being read: {} of the documents. Ask again when they are ready.",
}
_DECLINES = re.compile(
    r"资料中没有|没有(?:提到|提及|找到|相关|说明|给出)|未(?:提到|提及|找到|说明|给出)|"
    r"无法(?:确定|回答|得知|找到)|不知道|不清楚|"
    r"\bno(?:t|ne|thing)? in the passages|no (?:information|answer|mention)|"
    r"not (?:mentioned|found|specified|provided|stated|given|available)|"
    r"(?:do|does|did) not (?:mention|say|specify|provide|contain|state)|"
    r"cannot (?:be )?(?:answer|determin|find)|i (?:do not|don't) know|^\s*n/?a\b",
    re.IGNORECASE,
)


def refuse(reason: RefusalReason, language: Language, hits: Sequence[Hit] = ()) -> Refusal:
    """Return a typed refusal in the asker's language, with the passages that came nearest."""
    return Refusal(reason, _MESSAGES[language][reason], tuple(hits[:NEAREST]))


def refuse_answer(
    answer: Answer,
    ranked: Sequence[Candidate],
    unsupported: Answer | None = None,
    *,
    drafted_only: bool = False,
) -> Answer:
    """Return the refusal, with the draft's sentences if the documents bear none of them out.

    Args:
        answer: What is known of it.
        ranked: The sentences of its hits, likeliest answer first.
        unsupported: The draft, if none of it stands.
        drafted_only: Whether it is refused for that.
    """
    reason: RefusalReason = "unsupported_draft" if drafted_only else _why(answer.hits, ranked)
    sentences = unsupported.sentences if unsupported is not None else ()
    refusal = refuse(reason, language_of(answer.question), answer.hits)
    return replace(answer, refusal=refusal, sentences=sentences)


def _why(hits: Sequence[Hit], ranked: Sequence[Candidate]) -> RefusalReason:
    """Say whether the nearest passage is missing the answer or was only read badly."""
    confidence = hits[ranked[0].hit].ocr_confidence if ranked else None
    return "no_evidence" if confidence is None or confidence >= LEGIBLE else "low_ocr_confidence"


def tell_unread(answer: Answer, unread: int) -> Answer:
    """Let a refusal say how many documents of the collection were still being read."""
    if answer.refusal is None or not unread:
        return answer
    told = _UNREAD[language_of(answer.question)].format(unread)
    message = f"{answer.refusal.message} {told}"
    return replace(answer, refusal=replace(answer.refusal, message=message, unread=unread))


def declines(draft: str) -> bool:
    """Say whether a generated text says that the passages do not have the answer."""
    return not draft.strip() or _DECLINES.search(simplify(draft)) is not None
