"""How often do the chosen verbatim sentences contain the right answer?

RAGQA_EVAL_DATA=... python benchmarks/answers_extractive.py [--embedder FOLDER]
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict

from answers_data import MemoryRetriever, contains, qa_pdf_pages, questions, sample

from ragqa.answering.extractive import choose, rank_sentences


def main() -> None:
    """Print, per language, contained@hits, @1, @2 sentences and the chosen answer."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=200)
    parser.add_argument("--limit", type=int, default=8)
    parser.add_argument("--embedder", default="")
    options = parser.parse_args()
    embedder = None
    if options.embedder:
        from ragqa.models.sentence_transformer import SentenceTransformerEmbedder

        embedder = SentenceTransformerEmbedder(options.embedder)
    retriever = MemoryRetriever(qa_pdf_pages())
    table: dict[str, list[list[float]]] = defaultdict(list)
    for q in sample(
        [q for q in questions("qa-pdf") if q.answerable and not q.raw["scanned"]], options.size
    ):
        started = time.perf_counter()
        hits = retriever.retrieve(q.question, "qa", limit=options.limit)
        ranked = rank_sentences(q.question, hits, embedder)
        chosen = choose(ranked)
        seconds = time.perf_counter() - started
        row = [
            contains(" ".join(h.chunk.text for h in hits), q.answers),
            contains(ranked[0].text if ranked else "", q.answers),
            contains(" ".join(c.text for c in ranked[:2]), q.answers),
            contains(" ".join(c.text for c in chosen), q.answers),
            len(chosen),
            sum(len(c.text) for c in chosen),
            seconds,
        ]
        for key in (q.language, "all"):
            table[key].append([float(x) for x in row])
    print("language   n  in_hits  top1  top2  chosen  sentences  characters  seconds")
    for key, rows in table.items():
        means = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
        print(f"{key:8} {len(rows):4}", *(f"{value:8.3f}" for value in means))


if __name__ == "__main__":
    main()
