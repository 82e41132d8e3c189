"""Which way of lexical search in Postgres finds the same as exact BM25, and how fast?

``RAGQA_EVAL_DATA=… python benchmarks/retrieval_lexical.py [--questions 200]``

All chunks that are in ``--home`` (see ``benchmarks/retrieval.py``) are laid side by side into
tables of each design, in a schema of its own that goes afterwards; the questions of the English
passages are asked, design after design for every question, so that a busy machine slows them alike.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, LiteralString

import numpy as np
from psycopg import sql
from retrieval import open_services
from retrieval_data import CACHE, HOME, make_task, write_results

from ingest.batch import run_batch
from ragqa.retrieval.bm25 import K1, B, inverse_document_frequency, score_bm25
from ragqa.retrieval.lexical import hash_term
from ragqa.retrieval.question import question_terms
from ragqa.store import words
from ragqa.types import CollectionId

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from psycopg import Connection

    Row = dict[str, Any]
    Search = Callable[["Connection[Row]", dict[int, float]], list[int]]

LIMIT = 10
LAB = CollectionId(0)


CHUNKS = """
CREATE TABLE lab.chunks AS
SELECT 0::bigint AS collection_id, c.chunk_id, c.document_id, c.page_number, d.name, c.terms, c.bag
  FROM public.chunks c JOIN public.documents d USING (collection_id, document_id);
ALTER TABLE lab.chunks ADD PRIMARY KEY (collection_id, chunk_id);
CREATE TABLE lab.occurrences AS
SELECT chunk_id, term, count(*)::int AS times FROM lab.chunks, unnest(terms) AS term
 GROUP BY chunk_id, term;
CREATE TABLE lab.stats AS SELECT term, count(*)::int AS df FROM lab.occurrences GROUP BY term;
ANALYZE;
"""

PRUNED = "CREATE INDEX pruned ON lab.chunks USING gin (terms)"

TSVECTOR = """
CREATE TABLE lab.texts AS
SELECT chunk_id, string_agg(quote_literal(term) || ':' || places, ' ')::tsvector AS words
  FROM (SELECT chunk_id, term, string_agg(least(place, 16383)::text, ',' ORDER BY place) AS places
          FROM lab.chunks, unnest(terms) WITH ORDINALITY AS t (term, place)
         GROUP BY chunk_id, term) AS placed
 GROUP BY chunk_id;
CREATE INDEX texts_words ON lab.texts USING gin (words);
"""

POSTINGS = """
CREATE TABLE lab.postings AS
SELECT o.term, o.chunk_id,
       (o.times * (%(k1)s + 1)
        / (o.times + %(k1)s * (1 - %(b)s + %(b)s * cardinality(c.terms) / %(average)s)))::real
       AS part
  FROM lab.occurrences o JOIN lab.chunks c USING (chunk_id);
ALTER TABLE lab.postings ADD PRIMARY KEY (term, chunk_id);
"""

SPARSE = """
CREATE TABLE lab.vectors AS
SELECT chunk_id, ('{' || string_agg((n.number) || ':' || p.part, ',' ORDER BY n.number)
                  || '}/' || (SELECT count(*) FROM lab.stats))::sparsevec AS parts
  FROM lab.postings p
  JOIN (SELECT term, row_number() OVER (ORDER BY term) AS number FROM lab.stats) n USING (term)
 GROUP BY chunk_id;
CREATE TABLE lab.numbers AS
SELECT term, row_number() OVER (ORDER BY term) AS number FROM lab.stats;
ALTER TABLE lab.numbers ADD PRIMARY KEY (term);
"""

ASK_TSVECTOR = """
SELECT chunk_id FROM lab.texts, to_tsquery('simple', %(query)s) AS q
 WHERE words @@ q ORDER BY ts_rank_cd(words, q) DESC, chunk_id LIMIT %(limit)s
"""

ASK_POSTINGS = """
SELECT chunk_id FROM lab.postings
  JOIN unnest(%(terms)s::int[], %(weights)s::float8[]) AS q (term, weight) USING (term)
 GROUP BY chunk_id ORDER BY sum(part * weight) DESC, chunk_id LIMIT %(limit)s
"""

ASK_SPARSE = """
SELECT chunk_id FROM lab.vectors ORDER BY parts <#> %(query)s::sparsevec, chunk_id LIMIT %(limit)s
"""


def main() -> None:
    """Lay out every design, ask every question of each, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--models", type=Path, default=None, help="folder with the models")
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--home", type=Path, default=HOME)
    options = parser.parse_args()
    with open_services(options.home, options.models, options.cache) as services:
        task = make_task("en", Path(options.home, "tasks", "en"), size=options.questions)
        run_batch(services, [task.folder], "en")
        with services.database.transaction() as conn:
            conn.execute("CREATE SCHEMA lab")
            conn.execute("SET LOCAL jit = off")
            _run(conn, CHUNKS)
            conn.execute("SET LOCAL search_path = lab, public")
            lab = Lab(conn)
            built = {name: lab.build(name) for name in DESIGNS}
            results = lab.ask(task.questions)
            rows = {name: built[name] | results[name] for name in DESIGNS}
            conn.execute("DROP SCHEMA lab CASCADE")
    print(f"{lab.chunks} chunks, {len(task.questions)} questions")
    for name, row in rows.items():
        print(f"{name:28}", "  ".join(f"{key} {value:.3g}" for key, value in row.items()))
    found = {"chunks": lab.chunks, "questions": len(task.questions), "designs": rows}
    print(write_results("retrieval_lexical", found))


def _run(conn: Connection[Row], script: LiteralString, key: dict[str, Any] | None = None) -> None:
    for statement in script.split(";"):
        if statement.strip():
            filled = sql.SQL(statement)
            for name, value in (key or {}).items():
                filled = sql.SQL(
                    filled.as_string(conn).replace(f"%({name})s", repr(value))  # type: ignore[arg-type]
                )
            conn.execute(filled)


class Lab:
    """The tables of all designs over the same chunks."""

    def __init__(self, conn: Connection[Row]) -> None:
        self.conn = conn
        row = conn.execute(
            "SELECT count(*) AS chunks, sum(cardinality(terms)) AS terms FROM lab.chunks"
        ).fetchone()
        assert row is not None
        self.chunks = int(row["chunks"])
        self.average = float(row["terms"]) / self.chunks
        rows = conn.execute("SELECT chunk_id, name, bag FROM lab.chunks ORDER BY chunk_id")
        packed = rows.fetchall()
        self.ids = [row["chunk_id"] for row in packed]
        self.names = {row["chunk_id"]: row["name"] for row in packed}
        self.bags = [np.frombuffer(row["bag"], ">i4").astype(np.int32) for row in packed]
        self.frequencies = {
            row["term"]: row["df"] for row in conn.execute("SELECT term, df FROM lab.stats")
        }
        self.numbers: dict[int, int] = {}

    def build(self, name: str) -> dict[str, float]:
        """Lay out a design; return seconds and megabytes."""
        script, tables, _ = DESIGNS[name]
        started = time.monotonic()
        _run(self.conn, script, {"k1": K1, "b": B, "average": self.average})
        seconds = time.monotonic() - started
        if name.startswith("sparsevec"):
            rows = self.conn.execute("SELECT term, number FROM lab.numbers")
            self.numbers = {row["term"]: row["number"] for row in rows}
        query = "SELECT sum(pg_total_relation_size(t::regclass)) AS n FROM unnest(%s::text[]) AS t"
        row = self.conn.execute(query, [list(tables)]).fetchone()
        assert row is not None
        return {"build s": seconds, "MB": float(row["n"]) / 1e6}

    def weigh(self, counts: dict[int, float]) -> dict[int, float]:
        """Return what each known term is worth."""
        return {
            term: times * inverse_document_frequency(self.frequencies[term], self.chunks)
            for term, times in counts.items()
            if term in self.frequencies
        }

    def ask(self, questions: Sequence[Any]) -> dict[str, dict[str, float]]:
        """Ask every design every question; return times and how much of exact BM25 it found."""
        times: dict[str, list[float]] = {name: [] for name in DESIGNS}
        recalls: dict[str, list[float]] = {name: [] for name in DESIGNS}
        ranks: dict[str, list[float]] = {name: [] for name in DESIGNS}
        for question in questions:
            counts = Counter(hash_term(term) for term in question_terms(question.text))
            weights = self.weigh({term: float(times) for term, times in counts.items()})
            if not weights:
                continue
            exact = self.exact(weights)
            gold = {place.filename for place in question.places}
            for name, (_, _, search) in DESIGNS.items():
                search(self, weights)
                started = time.perf_counter()
                found = search(self, weights)
                times[name].append((time.perf_counter() - started) * 1000)
                recalls[name].append(len(exact & set(found)) / len(exact))
                there = [self.names[chunk_id] in gold for chunk_id in found]
                ranks[name].append(1 / (there.index(True) + 1) if True in there else 0.0)
        return {
            name: {
                "p50 ms": float(np.percentile(times[name], 50)),
                "p95 ms": float(np.percentile(times[name], 95)),
                "recall@10 of exact BM25": float(np.mean(recalls[name])),
                "MRR@10": float(np.mean(ranks[name])),
            }
            for name in DESIGNS
        }

    def exact(self, weights: dict[int, float]) -> set[int]:
        """Return the ten best of all chunks by BM25."""
        scores = score_bm25(self.bags, weights, average_length=self.average)
        return {self.ids[row] for row in np.argsort(-scores, kind="stable")[:LIMIT]}


def search_pruned(lab: Lab, weights: dict[int, float]) -> list[int]:
    """Chunks by rare terms and combinations as the product finds them, then BM25 in numpy."""
    known = words.Weighed(weights, lab.frequencies, lab.chunks, lab.average)
    found = words.find_candidates(lab.conn, LAB, known)
    bags = words.read_bags(lab.conn, LAB, found)
    return [scored.chunk_id for scored in words.best_of(words.score_bags(bags, known), LIMIT)]


def search_tsvector(lab: Lab, weights: dict[int, float]) -> list[int]:
    """Chunks with any term, by ``ts_rank_cd``."""
    query = " | ".join(f"'{term}'" for term in weights)
    rows = lab.conn.execute(ASK_TSVECTOR, {"query": query, "limit": LIMIT})
    return [row["chunk_id"] for row in rows]


def search_postings(lab: Lab, weights: dict[int, float]) -> list[int]:
    """Every occurrence of every term, summed in SQL."""
    key = {"terms": list(weights), "weights": list(weights.values()), "limit": LIMIT}
    return [row["chunk_id"] for row in lab.conn.execute(ASK_POSTINGS, key)]


def search_sparse(lab: Lab, weights: dict[int, float]) -> list[int]:
    """The inner product with every chunk's vector of BM25 parts."""
    parts = ",".join(f"{lab.numbers[term]}:{weight}" for term, weight in weights.items())
    query = f"{{{parts}}}/{len(lab.numbers)}"
    rows = lab.conn.execute(ASK_SPARSE, {"query": query, "limit": LIMIT})
    return [row["chunk_id"] for row in rows]


DESIGNS: dict[str, tuple[LiteralString, tuple[str, ...], Any]] = {
    "pruned GIN, BM25 in numpy": (PRUNED, ("lab.pruned",), search_pruned),
    "GIN, OR, ts_rank_cd": (TSVECTOR, ("lab.texts",), search_tsvector),
    "postings, BM25 in SQL": (POSTINGS, ("lab.postings",), search_postings),
    "sparsevec, all compared": (SPARSE, ("lab.vectors",), search_sparse),
}


if __name__ == "__main__":
    main()
