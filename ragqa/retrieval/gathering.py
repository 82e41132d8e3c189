"""Asking every stage of one collection, and what they say about each other's finds."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ragqa.ports import Scored
from ragqa.retrieval.across import even_out, find_foreign, has_others, language_asked
from ragqa.retrieval.lexical import hash_term, stem
from ragqa.retrieval.naming import years_of
from ragqa.retrieval.nearness import worth_of_rarest
from ragqa.retrieval.question import codes_of, question_terms, short_names_of, telling_of
from ragqa.retrieval.spelling import replace_words, words_to_check
from ragqa.retrieval.statements import asked_statements, describe, like_asked
from ragqa.types import DocumentId, Filter, Id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from ragqa.ports import Snapshot
    from ragqa.retrieval.across import Bridge
    from ragqa.retrieval.explain import Watch
    from ragqa.retrieval.statements import Statement

DEPTH = 100
"""Chunks that each stage contributes."""
VERBATIM = 50
"""Places where the question stands word for word that are looked at."""
NAMED = 20
"""Documents that a question may name for them to be searched on their own."""
STATEMENTS = 30
"""Chunks that are looked at for each financial statement that a question needs."""
UNMET = 0.22
"""Share of the best possible BM25 score below which passages in the other language are looked for:
of 1,184 questions in the language of their passage one in twenty is below it, of 44 in the other
one all but two."""
WHOSE = 0.23
"""What a statement is worth to a question that does not say whose it asks for."""


@dataclass(frozen=True, slots=True)
class Query:
    """A question as the stages of one collection take it."""

    text: str
    """The question, what is misspelt in it put right."""
    terms: tuple[str, ...]
    vector: NDArray[np.float32]
    only: Filter | None
    counts: Mapping[int, float] = field(default_factory=dict)
    respelt: Mapping[str, str] = field(default_factory=dict)
    """Words of the question that the collection does not have, with those taken instead."""


@dataclass(slots=True)
class Gathered:
    """What the stages of one collection found, best first."""

    snapshot: Snapshot
    query: Query
    stages: dict[str, list[Scored]] = field(default_factory=dict)
    named: dict[int, float] = field(default_factory=dict)
    """Documents that the question names."""
    alike: dict[int, float] = field(default_factory=dict)
    """Chunks on pages that look like a financial statement that the question needs."""

    bridge: Bridge | None = None
    """To passages in the other language, where the collection has some."""

    _chunk_ids: list[int] | None = None
    _foreign: frozenset[int] | None = None

    @property
    def chunk_ids(self) -> list[int]:
        """Every chunk that any stage found; asked for once all stages have answered."""
        if self._chunk_ids is None:
            found = (scored.chunk_id for stage in self.stages.values() for scored in stage)
            self._chunk_ids = list(dict.fromkeys(found))
        return self._chunk_ids

    @property
    def foreign(self) -> frozenset[int]:
        """Those of them that are in another language than the question."""
        if self.bridge is None:
            return frozenset()
        if self._foreign is None:
            language = language_asked(self.query.text)
            self._foreign = find_foreign(self.snapshot, self.chunk_ids, language)
        return self._foreign

    def words(self) -> dict[int, float]:
        """Return each found chunk's share of the best BM25 score that there could be."""
        best = self.snapshot.best_lexical(self.query.counts)
        scores = self.snapshot.lexical_of(self.chunk_ids, self.query.counts)
        return {key: score / best for key, score in scores.items()} if best else {}

    def pages(self, chunk_ids: Sequence[int]) -> dict[int, float]:
        """Return the same share for the whole page of each chunk."""
        best = self.snapshot.best_lexical(self.query.counts)
        scores = self.snapshot.pages_of(chunk_ids, self.query.counts)
        return {key: score / best for key, score in scores.items()} if best else {}

    def pairs(self, chunk_ids: Sequence[int]) -> Mapping[int, float]:
        """Return which share of the question's neighbouring terms stands so on each page."""
        terms = [hash_term(term) for term in self.query.terms]
        # Where there is a code, that is the name of what is asked for.
        told = () if codes_of(self.query.terms) else short_names_of(self.query.terms)
        names = set(map(hash_term, told))
        return self.snapshot.pairs_of(chunk_ids, terms, self.query.counts, names=names)

    def rarest(self, chunk_ids: Sequence[int]) -> dict[int, float]:
        """Return what the rarest of the question's Chinese terms on each chunk's page is worth.

        The rarest that any chunk has is worth 1: where it is a name (螭头), only its pages can be
        meant, though others speak at length of what is asked about it. Where there is a code, that
        is the name.
        """
        telling = () if codes_of(self.query.terms) else telling_of(self.query.terms)
        terms = set(map(hash_term, telling))
        worth = self.snapshot.worth(self.query.counts) if terms else {}
        known = {term: worth[term][1] for term in terms if worth[term][0]}
        if not known:
            return {}
        pages = self.snapshot.page_terms(chunk_ids)
        shares = dict(zip(pages, worth_of_rarest(list(pages.values()), known), strict=True))
        return {key: shares[page] for key, page in self.snapshot.pages_under(chunk_ids).items()}

    def years(self, chunk_ids: Sequence[int]) -> Mapping[int, float]:
        """Return which share of the years that the question names is on each chunk's page."""
        terms = [hash_term(str(year)) for year in sorted(years_of(self.query.text))]
        return self.snapshot.shares_of(chunk_ids, terms)

    def codes(self) -> dict[int, float]:
        """Return for each found chunk the share of the question's codes, in [0, 1].

        A code counts the less, the more chunks have it: the type of the product is in all of its
        manual, the number of an error in one row.
        """
        codes = dict.fromkeys(map(hash_term, codes_of(self.query.terms)), 1.0)
        if not codes:
            return {}
        rarity = {
            term: 1 / (1 + math.log2(max(1, chunks)))
            for term, (chunks, _) in self.snapshot.worth(codes).items()
        }
        there = self.snapshot.terms_in(self.chunk_ids, codes)
        return {key: sum(rarity[t] for t in terms) / len(codes) for key, terms in there.items()}

    def asked_worth(self) -> dict[str, float]:
        """Return what each term of the question is worth, the years that it names left out."""
        years = set(map(str, years_of(self.query.text)))
        worth = self.snapshot.worth(self.query.counts)
        return {t: worth[hash_term(t)][1] for t in self.query.terms if t not in years}

    def cosines(self) -> Mapping[int, float]:
        """Return each found chunk's cosine with the question, as if all were in its language."""
        cosines = self.snapshot.dense_of(self.chunk_ids, self.query.vector)
        return even_out(cosines, self.foreign)

    def names(self) -> dict[int, float]:
        """Return how well each found chunk's document is named."""
        if not self.named:
            return {}
        pages = self.snapshot.pages_under(self.chunk_ids)
        return {key: self.named.get(document, 0.0) for key, (document, _) in pages.items()}


def gather(
    snapshot: Snapshot,
    question: str,
    vector: NDArray[np.float32],
    only: Filter | None,
    watch: Watch,
    *,
    is_word: Callable[[str], bool],
    bridge: Callable[[], Bridge | None] = lambda: None,
) -> Gathered:
    """Ask every stage; documents that the question names are searched on their own as well.

    Args:
        snapshot: The collection.
        question: What is asked.
        vector: The question's embedding.
        only: What the search may see.
        watch: Notes how long each stage took.
        is_word: Says of a word that no chunk has whether it is one nevertheless, and no slip.
        bridge: Leads to passages in the other language.
    """
    name = snapshot.collection_name
    only = snapshot.narrow(only)
    nearest = snapshot.begin_dense(vector, limit=DEPTH, only=only)
    gathered = Gathered(snapshot, _cut(snapshot, question, vector, only, is_word))
    query, stages = gathered.query, gathered.stages
    with watch.step("lexical", name) as found:
        found += snapshot.lexical(query.counts, limit=DEPTH, only=only)
    stages["lexical"] = found
    with watch.step("verbatim", name) as found:
        found += snapshot.verbatim(question, limit=VERBATIM, only=only)
    stages["verbatim"] = found
    with watch.step("dense", name) as found:
        found += nearest()
    stages["dense"] = found
    if _share_met(gathered) < UNMET:
        language = language_asked(question)
        if has_others(snapshot, language) and (to := bridge()) is not None:
            gathered.bridge = to
            with watch.step("across", name) as found:
                found += snapshot.dense(to.turn(vector, language), limit=DEPTH, only=only)
            stages["across"] = found
    if only is None or not only.documents:
        with watch.step("named", name) as found:
            gathered.named = snapshot.names().match(query.text)
            found += _search_named(gathered)
        if gathered.named:
            stages["named"] = found
    if asked := asked_statements(query.text):
        with watch.step("statements", name) as found:
            found += _search_statements(gathered, asked)
        stages["statements"] = found
    return gathered


def _share_met(gathered: Gathered) -> float:
    """Return the best chunk's share of the best BM25 score that there could be."""
    best, found = gathered.snapshot.best_lexical(gathered.query.counts), gathered.stages["lexical"]
    return found[0].score / best if found and best else 0.0


def _cut(
    snapshot: Snapshot,
    question: str,
    vector: NDArray[np.float32],
    only: Filter | None,
    is_word: Callable[[str], bool],
) -> Query:
    """Cut the question into terms; a word that no chunk has is taken for the one it must mean."""
    taught = snapshot.lexicon()
    terms = question_terms(question, lexicon=taught)
    counts = Counter(hash_term(term) for term in terms)
    worth = snapshot.worth(counts)
    strange = [
        word
        for word in words_to_check(question)
        if (term := hash_term(stem(word))) in counts and not worth[term][0] and not is_word(word)
    ]
    if respelt := snapshot.respell(strange):
        question = replace_words(question, respelt)
        terms = question_terms(question, lexicon=taught)
        counts = Counter(hash_term(term) for term in terms)
    return Query(question, tuple(terms), vector, only, dict(counts), respelt)


def _search_named(gathered: Gathered) -> list[Scored]:
    """Search the documents that the question names as if there were no others."""
    if not gathered.named:
        return []
    snapshot, query = gathered.snapshot, gathered.query
    best = sorted(gathered.named, key=lambda number: (-gathered.named[number], number))[:NAMED]
    within = _within(gathered, best)
    found = snapshot.lexical(query.counts, limit=DEPTH // 2, only=within)
    found += snapshot.dense(query.vector, limit=DEPTH // 2, only=within)
    return list({scored.chunk_id: scored for scored in found}.values())


def _search_statements(gathered: Gathered, asked: Mapping[Statement, float]) -> list[Scored]:
    """Find the pages that look like the statements asked for, in the documents that are named."""
    snapshot = gathered.snapshot
    best = sorted(gathered.named, key=lambda number: (-gathered.named[number], number))[:NAMED]
    only = _within(gathered, best) if best else gathered.query.only
    known = only is not None and only.documents
    candidates: dict[int, None] = {}
    for statement in asked:
        counts = dict.fromkeys(describe(statement), 1.0)
        found = snapshot.lexical(counts, limit=STATEMENTS, only=only)
        candidates |= dict.fromkeys(scored.chunk_id for scored in found)
    pages = snapshot.page_terms(list(candidates))
    shares = like_asked(list(pages.values()), asked).tolist()
    of_page = {
        page: share * (1.0 if known else WHOSE) for page, share in zip(pages, shares, strict=True)
    }
    places = snapshot.pages_under(list(candidates))
    gathered.alike = {key: of_page[page] for key, page in places.items() if of_page[page] > 0}
    ranked = sorted(gathered.alike.items(), key=lambda item: (-item[1], item[0]))
    return [Scored(chunk_id, score) for chunk_id, score in ranked]


def _within(gathered: Gathered, numbers: Sequence[int]) -> Filter:
    """Return the question's filter, narrowed to some documents."""
    collection = gathered.snapshot.collection_id
    documents = tuple(DocumentId(Id(collection, number)) for number in numbers)
    return replace(gathered.query.only or Filter(), documents=documents)
