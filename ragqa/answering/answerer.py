"""A question becomes an answer: evidence, then the model's words, then what stands of them."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ragqa.answering.calibration import CALIBRATION
from ragqa.answering.completing import choose_told
from ragqa.answering.computing import RIGHT_OF_COMPUTED, compute_answer, list_column
from ragqa.answering.conflicts import find_conflict
from ragqa.answering.conversation import standalone
from ragqa.answering.drafting import assemble, extract, tell_short
from ragqa.answering.extractive import rank_sentences
from ragqa.answering.mistakes import find_mistake
from ragqa.answering.phrasing import look_closer, silently, write_draft
from ragqa.answering.prompt import write_prompt
from ragqa.answering.quantities import asks_amount
from ragqa.answering.questions import bears
from ragqa.answering.refusal import declines, refuse, refuse_answer
from ragqa.answering.shortening import agrees, cut_short, rank_again, read_ranked
from ragqa.answering.signs import signs_of
from ragqa.answering.terms import language_of
from ragqa.retrieval.across import is_foreign, language_asked
from ragqa.types import Answer, Hit, Models, Timings, Token, Usage

if TYPE_CHECKING:
    from collections.abc import Generator as Stream
    from collections.abc import Sequence

    from ragqa.answering.calibration import Calibration
    from ragqa.answering.extractive import Candidate
    from ragqa.answering.phrasing import Draft
    from ragqa.answering.shortening import Read
    from ragqa.answering.signs import Signs
    from ragqa.ports import Embedder, Generator, QuoteCutter, Retriever
    from ragqa.types import Filter, RefusalReason

READ = 8
"""Hits whose sentences are read for the answer; more are shown than are read."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What retrieval found, and the answer in the documents' own words."""

    hits: tuple[Hit, ...]
    answer: Answer


@dataclass(frozen=True, slots=True)
class Finished:
    """The verified answer. Always the last event."""

    answer: Answer


Event = Evidence | Token | Finished


class Answerer:
    """Answers questions over one collection's passages. Keeps no state between questions."""

    def __init__(
        self,
        generator: Generator,
        embedder: Embedder,
        retriever: Retriever,
        quotes: QuoteCutter,
        *,
        reranker: str | None = None,
        calibration: Calibration = CALIBRATION,
    ) -> None:
        """Take the ports.

        Args:
            generator: Phrases the answer.
            embedder: Compares sentences with the question.
            retriever: Finds passages.
            quotes: Cuts quotes out of stored pages.
            reranker: Name of the reranker that the retriever uses, for receipts.
            calibration: When evidence is enough.
        """
        self._generator = generator
        self._embedder = embedder
        self._retriever = retriever
        self._quotes = quotes
        self._calibration = calibration
        self._models = Models(embedder.name, reranker, generator.name)

    def ask(
        self,
        question: str,
        collection: str,
        *,
        limit: int = 10,
        only: Filter | None = None,
        history: Sequence[tuple[str, str]] = (),
        use_llm: bool = True,
    ) -> Stream[Event, None, None]:
        """Yield the evidence, then tokens as they come, then the finished answer.

        Closing the stream stops the generator. A generator that fails costs only its own words:
        the answer is then the extractive one. Where passages in the language of the best one have
        no answer, those in the other language are read as well, and nothing of that is passed on
        but the finished answer.

        Args:
            question: As asked.
            collection: Name of the collection to ask.
            limit: Most hits to find.
            only: What may be found.
            history: Earlier ``(question, answer)`` pairs of the conversation, oldest first.
            use_llm: False: the extractive answer alone.

        Raises:
            NotFound: If there is no such collection.
        """
        started = time.perf_counter()
        whole = standalone(question, history)
        found = self._retriever.retrieve(whole, collection, limit=limit, only=only)
        hits, alike = by_language(found, whole)
        retrieved = time.perf_counter()
        language = language_of(question)
        answer = Answer(
            question=question,
            collection=collection,
            text="",
            refusal=None,
            citations=(),
            sentences=(),
            hits=hits,
            timings=Timings(retrieve=_ms(started, retrieved), total=0.0),
            usage=Usage(),
            models=self._models,
            standalone_question=whole if whole != question else None,
        )
        if not hits:
            reason: RefusalReason = "no_documents" if only is None else "no_evidence"
            answer = _timed(replace(answer, refusal=refuse(reason, language)), started)
            yield Evidence(hits, answer)
            yield Finished(answer)
            return
        computed = compute_answer(answer, whole, self._quotes)
        if computed is not None:
            computed = _timed(replace(computed, confidence=RIGHT_OF_COMPUTED), started)
            yield Evidence(hits, computed)
            yield Finished(computed)
            return
        told = yield from self._tell(answer, whole, alike, started, use_llm=use_llm)
        if not told.answered and alike < len(hits):
            turned = replace(answer, hits=hits[alike:] + hits[:alike])
            others = self._tell(turned, whole, len(hits) - alike, started, use_llm=use_llm)
            told = _choose(told, (yield from silently(others)))
        yield Finished(_timed(told, started))

    def _tell(
        self, answer: Answer, whole: str, alike: int, started: float, *, use_llm: bool
    ) -> Stream[Evidence | Token, None, Answer]:
        """Yield the evidence and the tokens of an answer read from the first ``alike`` hits."""
        hits, language = answer.hits, language_of(answer.question)
        shown = hits[: min(READ, alike)]
        ranked = rank_sentences(whole, shown, self._embedder)
        read = read_ranked(whole, hits, ranked, self._embedder)
        ranked = rank_again(ranked, read)
        extractive = _timed(self._extractive(answer, whole, ranked), started)
        yield Evidence(hits, extractive)
        if not use_llm:
            return extractive
        prompt = write_prompt(whole, shown, ranked, language=language, generator=self._generator)
        draft = yield from write_draft(self._generator, prompt, started)
        if draft is None:
            return extractive
        signs = _judge(whole, hits, ranked, draft)
        if self._calibration.in_doubt(signs):
            draft = yield from look_closer(self._generator, draft, whole, shown, ranked, language)
            signs = _judge(whole, hits, ranked, draft)
        answer = replace(
            answer,
            prompt=draft.prompt.text,
            usage=draft.usage,
            timings=replace(answer.timings, first_token=draft.first_token),
        )
        return self._finish(answer, extractive, draft, signs, whole, ranked, read)

    def _extractive(self, answer: Answer, question: str, ranked: Sequence[Candidate]) -> Answer:
        signs = signs_of(question, answer.hits[:READ], ranked)
        answer = replace(answer, confidence=self._calibration.probability(signs))
        if not self._calibration.suffices(signs):
            return refuse_answer(answer, ranked)
        listed = self._list_column(answer, question, ranked)
        if listed is not None:
            return listed
        conflict = find_conflict(question, ranked)
        return extract(answer, ranked, self._quotes, conflict=conflict)

    def _list_column(
        self, answer: Answer, question: str, ranked: Sequence[Candidate]
    ) -> Answer | None:
        """Tell a column of a table where a number is asked for and the best sentence has none."""
        if not asks_amount(question) or bears(ranked[0].text, "number", question):
            return None
        return list_column(answer, question, self._quotes)

    def _finish(
        self,
        answer: Answer,
        extractive: Answer,
        draft: Draft,
        signs: Signs,
        question: str,
        ranked: Sequence[Candidate],
        read: Sequence[Read],
    ) -> Answer:
        """Keep what the documents bear out of a draft; else fall back on their words, or refuse."""
        drafted = (
            None
            if declines(draft.text)
            else assemble(answer, draft.text, question, ranked, draft.prompt.shown, self._quotes)
        )
        supported = drafted is not None and any(s.supported for s in drafted.sentences)
        answer = replace(answer, confidence=self._calibration.probability(signs))
        listed = self._list_column(answer, question, ranked)
        if listed is not None and extractive.refusal is None:
            # A column is not what was read: a draft that tells something else says nothing of it.
            return replace(listed, confidence=extractive.confidence)
        if drafted is not None:
            drafted = replace(drafted, confidence=answer.confidence)
        unsupported = drafted if not supported else None
        if not self._calibration.suffices(signs):
            drafted_only = unsupported is not None and extractive.refusal is None
            return refuse_answer(answer, ranked, unsupported, drafted_only=drafted_only)
        if listed is not None:
            return listed
        conflict = find_conflict(question, ranked)
        if conflict is not None:
            return extract(answer, ranked, self._quotes, conflict=conflict)
        short = cut_short(ranked, read)
        alike = drafted is not None and short is not None and agrees(drafted, short)
        # A model that was fitted to answer is believed where it tells something else, too.
        fitted = draft.usage.doubt is not None
        if drafted is not None and supported and (short is None or alike or fitted):
            better = choose_told(drafted, short) if short is not None and alike else None
            told = tell_short(answer, better, self._quotes) if better is not None else None
            return told or drafted
        if short is not None and find_mistake(short.text, short.candidate.text, question):
            return refuse_answer(answer, ranked, unsupported, drafted_only=unsupported is not None)
        told = tell_short(answer, short, self._quotes) if short is not None else None
        return told or extract(answer, ranked, self._quotes)


def _judge(question: str, hits: Sequence[Hit], ranked: Sequence[Candidate], draft: Draft) -> Signs:
    return signs_of(question, hits[:READ], ranked, draft=draft.text, doubt=draft.usage.doubt)


def by_language(hits: Sequence[Hit], question: str) -> tuple[tuple[Hit, ...], int]:
    """Put the hits in the language of the first one before the others; and count them.

    Sentences of two languages cannot be ranked together: those in another one than the question
    have no word in common with it.
    """
    foreign = [is_foreign(hit.chunk.text, language_asked(question)) for hit in hits]
    order = sorted(range(len(hits)), key=lambda at: foreign[at] != foreign[0])
    return tuple(hits[at] for at in order), foreign.count(foreign[0]) if hits else 0


def _choose(told: Answer, again: Answer) -> Answer:
    """Return the second answer if it is one, else the first; with the tokens of both."""
    chosen = again if again.answered else told
    usage = replace(
        chosen.usage,
        prompt_tokens=told.usage.prompt_tokens + again.usage.prompt_tokens,
        completion_tokens=told.usage.completion_tokens + again.usage.completion_tokens,
    )
    timings = replace(chosen.timings, first_token=told.timings.first_token)
    return replace(chosen, usage=usage, timings=timings)


def _ms(start: float, end: float) -> float:
    return round((end - start) * 1000, 1)


def _timed(answer: Answer, started: float) -> Answer:
    return replace(answer, timings=replace(answer.timings, total=_ms(started, time.perf_counter())))
