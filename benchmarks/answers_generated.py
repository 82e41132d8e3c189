"""How good are whole answers, extractive and generated, on typeset pages?

RAGQA_EVAL_DATA=... python benchmarks/answers_generated.py --embedder FOLDER --llm FILE.gguf
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections import defaultdict
from pathlib import Path

from answers_data import MemoryRetriever, contains, f1, qa_pdf_pages, questions, sample

from ragqa.answering.answerer import Answerer, Evidence, Finished, Token
from ragqa.answering.citations import MARKER
from ragqa.models.extractive import ExtractiveGenerator
from ragqa.models.hashing import HashingEmbedder


def main() -> None:  # noqa: C901  one set after the other
    """Print contained, F1, citation precision and recall, refusals and seconds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=60)
    parser.add_argument("--unanswerable", type=int, default=20)
    parser.add_argument("--embedder", default="")
    parser.add_argument("--llm", default="")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", default="")
    options = parser.parse_args()
    embedder = HashingEmbedder()
    if options.embedder:
        from ragqa.models.sentence_transformer import SentenceTransformerEmbedder

        embedder = SentenceTransformerEmbedder(options.embedder, offline=True)
    generator = ExtractiveGenerator()
    if options.llm:
        from ragqa.models.llama_cpp import LlamaCppGenerator

        generator = LlamaCppGenerator(options.llm, threads=options.threads)
    retriever = MemoryRetriever(qa_pdf_pages())
    answerer = Answerer(generator, embedder, retriever, retriever)
    everything = [q for q in questions("qa-pdf") if not q.raw.get("scanned")]
    chosen = sample([q for q in everything if q.answerable], options.size) + sample(
        [q for q in everything if not q.answerable], options.unanswerable
    )
    table = defaultdict(list)
    for q in chosen:
        draft = ""
        for event in answerer.ask(q.question, "qa", limit=8):
            if isinstance(event, Evidence):
                evidence = event.answer
            elif isinstance(event, Token):
                draft += event.text
            elif isinstance(event, Finished):
                answer = event.answer
        plain = MARKER.sub("", answer.text)
        cited = {(c.filename, c.page) for c in answer.citations}
        gold = set(q.pages)
        record = {
            "id": q.id, "kind": q.kind, "language": q.language, "question": q.question,
            "answers": q.answers, "extractive": evidence.text, "draft": draft, "text": answer.text,
            "refusal": answer.refusal.reason if answer.refusal else None,
            "reasons": [s.reasons for s in answer.sentences if not s.supported],
        }  # fmt: skip
        row = {
            "refused": float(not answer.answered),
            "evidence refused": float(not evidence.answered),
            "contained": contains(plain, q.answers),
            "F1": f1(plain, q.answers),
            "extractive contained": contains(evidence.text, q.answers),
            "draft contained": contains(draft, q.answers),
            "draft F1": f1(draft, q.answers),
            "cite precision": len(cited & gold) / len(cited) if cited else None,
            "cite recall": float(bool(cited & gold)),
            "seconds": answer.timings.total / 1000,
            "evidence s": evidence.timings.total / 1000,
            "prompt": answer.usage.prompt_tokens,
        }
        if options.out:
            with Path(options.out).open("a", encoding="utf-8") as file:
                file.write(json.dumps(record | row, ensure_ascii=False) + "\n")
        key = q.language if q.answerable else q.kind
        table[key].append(row)
        if q.answerable:
            table["answerable"].append(row)
    for key, rows in table.items():
        print(f"{key} (n={len(rows)})")
        for name in rows[0]:
            values = [float(row[name]) for row in rows if row[name] is not None]
            if values:
                print(f"  {name:22} {statistics.mean(values):7.3f}", end="  ")
                print(f"median {statistics.median(values):7.3f}")


if __name__ == "__main__":
    main()
