"""How often are contradicting passages noticed, and how often are agreeing ones accused?

RAGQA_EVAL_DATA=... python benchmarks/answers_conflicts.py
"""

from __future__ import annotations

from answers_data import MemoryRetriever, contains, passages, qa_pdf_pages, questions, sample

from ragqa.answering.conflicts import find_conflict
from ragqa.answering.extractive import rank_sentences

if __name__ == "__main__":
    for name, pages, asked in (
        ("rgb-zh-fact", passages("rgb-zh-fact"), questions("rgb-zh-fact")),
        ("rgb-en-fact", passages("rgb-en-fact"), questions("rgb-en-fact")),
        ("qa-pdf", qa_pdf_pages(), sample(questions("qa-pdf"), 300)),
        ("rgb-zh", passages("rgb-zh"), questions("rgb-zh")),
    ):
        retriever = MemoryRetriever(pages)
        noticed = both = 0
        for q in asked:
            ranked = rank_sentences(q.question, retriever.retrieve(q.question, "", limit=8))
            other = find_conflict(q.question, ranked)
            noticed += other is not None
            told = f"{ranked[0].text} {other.text}" if other and ranked else ""
            fake = q.raw.get("fake_answer", "")
            both += contains(told, q.answers) and contains(told, [fake])
        print(f"{name:12} n={len(asked)} conflict seen {noticed}, both values told {both}")
