"""Who should say which passage an answer stands on: the program, the model, or a grammar?

    RAGQA_EVAL_DATA=... python benchmarks/answers_markers.py --llm FILE.gguf [--size 40]
        [--models FOLDER] [--threads 2]

The same questions about typeset pages, the same passages and the same model, three ways:

* post-check: the model writes no markers; the program finds the sentence that bears a claim out.
* free: the examples of the prompt have markers; one that was not offered is dropped.
* grammar: the same prompt, and decoding allows only markers that were offered, one at the end.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from answers_data import MemoryRetriever, contains, f1, qa_pdf_pages, questions, sample
from llama_cpp import Llama, LlamaGrammar

from ragqa.answering.citations import MARKER, Evidence, find_evidence, read_draft
from ragqa.answering.extractive import rank_sentences
from ragqa.answering.prompt import ANSWER_TOKENS, NOT_FOUND, STOP, write_prompt
from ragqa.answering.refusal import declines
from ragqa.answering.shortening import rank_again, read_ranked
from ragqa.answering.terms import language_of
from ragqa.models.llama_cpp import LlamaCppGenerator
from ragqa.settings import load_settings
from ragqa.wiring import build_embedder

if TYPE_CHECKING:
    from answers_data import Question

    from ragqa.answering.extractive import Candidate
    from ragqa.answering.prompt import Prompt
    from ragqa.ports import Embedder
    from ragqa.types import Hit

WAYS = ("post-check", "free", "grammar")
_ASKED = {
    "zh": "答案后面写上资料的编号。",
    "en": "Put the number of the passage behind the answer.",
}


def with_markers(prompt: Prompt) -> list[dict[str, str]]:
    """Return the messages of a prompt whose examples tell which passage they are from."""
    told = []
    for message in prompt.messages:
        content = message.content
        if message.role == "system":
            content += _ASKED[language_of(content)]
        elif message.role == "assistant" and content not in NOT_FOUND.values():
            asked = told[-1]["content"]
            lines = [line for line in asked.splitlines() if line.startswith("[")]
            at = next(n for n, line in enumerate(lines, 1) if content in line)
            content = f"{content}[{at}]"
        told.append({"role": message.role, "content": content})
    return told


def grammar_of(shown: int, language: str) -> LlamaGrammar:
    """Return the grammar of an answer with one of ``shown`` markers, or of there being none."""
    markers = " | ".join(f'"[{n}]"' for n in range(1, shown + 1))
    none = NOT_FOUND["zh" if language == "zh" else "en"]
    text = f'root ::= "{none}" | words ( {markers} )\nwords ::= [^\\n\\[\\]]+'
    return LlamaGrammar.from_string(text, verbose=False)


def cited_pages(
    way: str, draft: str, prompt: Prompt, hits: list[Hit], ranked: list[Candidate]
) -> set[tuple[str, int]]:
    """Return the pages that an answer cites."""
    found: set[int] = set()
    for claim in read_draft(draft):
        if way == "post-check":
            evidence = find_evidence(replace(claim, markers=()), hits, ranked)
            found |= {evidence.hit} if isinstance(evidence, Evidence) else set()
        else:
            found |= {prompt.shown[n - 1] for n in claim.markers if n <= len(prompt.shown) and n}
    return {(hits[n].filename, hits[n].chunk.page_number) for n in found}


def ask(
    q: Question,
    found: MemoryRetriever,
    model: Llama,
    counter: LlamaCppGenerator,
    embedder: Embedder,
) -> dict[str, dict[str, float]]:
    """Return the figures of each way for one question."""
    hits = found.retrieve(q.question, "", limit=8)
    ranked = rank_sentences(q.question, hits, embedder)
    ranked = rank_again(ranked, read_ranked(q.question, hits, ranked, embedder))
    language = language_of(q.question)
    prompt = write_prompt(q.question, hits, ranked, language=language, generator=counter)
    bare = [{"role": m.role, "content": m.content} for m in prompt.messages]
    figures: dict[str, dict[str, float]] = {}
    for way in WAYS:
        given: Any = bare if way == "post-check" else with_markers(prompt)
        grammar = grammar_of(len(prompt.shown), language) if way == "grammar" else None
        model.reset()
        started = time.perf_counter()
        made: Any = model.create_chat_completion(
            given, max_tokens=ANSWER_TOKENS, stop=list(STOP), temperature=0.0, grammar=grammar
        )
        seconds = time.perf_counter() - started
        draft = (made["choices"][0]["message"]["content"] or "").strip()
        plain = MARKER.sub("", draft)
        pages = set() if declines(plain) else cited_pages(way, draft, prompt, hits, ranked)
        figures[way] = {
            "contained": contains(plain, q.answers),
            "F1": f1(plain, q.answers),
            "declined": float(declines(plain)),
            "cites a page": float(bool(pages)),
            "cites only right pages": float(bool(pages) and pages <= set(q.pages)),
            "tokens": made["usage"]["completion_tokens"],
            "seconds": seconds,
        }
    return figures


def main() -> None:
    """Print the means of each way."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=40)
    parser.add_argument("--llm", required=True)
    parser.add_argument("--models", type=Path, default=None)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    settings = load_settings(offline=True, **({"models": options.models} if options.models else {}))
    embedder = build_embedder(settings.embedding_model, settings)
    counter = LlamaCppGenerator(options.llm, threads=options.threads)
    model = Llama(options.llm, n_ctx=2048, n_threads=options.threads, seed=0, verbose=False)
    found = MemoryRetriever(qa_pdf_pages())
    asked = [q for q in questions("qa-pdf") if q.answerable and not q.raw.get("scanned")]
    table: dict[str, list[dict[str, float]]] = defaultdict(list)
    for q in sample(asked, options.size):
        for way, row in ask(q, found, model, counter, embedder).items():
            table[way].append(row)
    for way, rows in table.items():
        told = {n: round(sum(row[n] for row in rows) / len(rows), 3) for n in rows[0]}
        print(f"{way:11} n={len(rows)}", told)


if __name__ == "__main__":
    main()
