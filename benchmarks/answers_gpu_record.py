"""Questions with the passages that the product finds, written to a file to be asked elsewhere.

    RAGQA_EVAL_DATA=... python benchmarks/answers_gpu_record.py --home HOME --out FILE.jsonl
        [--each 20] [--rounds 4] [--tokens 1200]

``HOME`` is a data folder into which ``benchmarks/answers.py --home`` read the typeset documents. A
machine lent for its GPU for some minutes has neither them nor a database: the file has what is
asked, the passages in full, and what the generator is given, for ``benchmarks/answers_gpu.py``.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from answers import COLLECTION, choose_questions
from answers_speed import write_prompts

from ragqa.answering.answerer import READ
from ragqa.answering.extractive import rank_sentences
from ragqa.answering.prompt import write_prompt
from ragqa.answering.shortening import rank_again, read_ranked
from ragqa.answering.terms import language_of
from ragqa.models.llama_cpp import LlamaCppGenerator
from ragqa.models.resolve import resolve_llm_model
from ragqa.settings import load_settings
from ragqa.wiring import open_services

if TYPE_CHECKING:
    from ragqa.answering.prompt import Prompt
    from ragqa.wiring import Services

FOUND = 10
"""Hits that a question is answered from; the others are only embedded."""


def record(services: Services, each: int) -> list[dict[str, Any]]:
    """Return questions, as many in each language, with what is found and shown for each."""
    generator = services.generator()
    embedder = services.embedder()
    rows = []
    for asked in choose_questions(2 * each, 0):
        hits = services.retrieve(asked.text, COLLECTION, limit=3 * FOUND)
        found, more = hits[:FOUND], hits[FOUND:]
        ranked = rank_sentences(asked.text, found[:READ], embedder)
        ranked = rank_again(ranked, read_ranked(asked.text, found, ranked, embedder))
        prompt = write_prompt(
            asked.text,
            found[:READ],
            ranked,
            language=language_of(asked.text),
            generator=generator,
        )
        rows.append(
            {
                "id": asked.id,
                "question": asked.text,
                "answers": asked.answers,
                "hits": [dataclasses.asdict(hit) | {"boxes": []} for hit in found],
                "more": [hit.chunk.text for hit in more],
                "messages": _told(prompt),
            }
        )
    return rows


def _told(prompt: Prompt) -> list[dict[str, str]]:
    return [dataclasses.asdict(message) for message in prompt.messages]


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--each", type=int, default=20, help="questions of each language")
    parser.add_argument("--rounds", type=int, default=4, help="long prompts of each language")
    parser.add_argument("--tokens", type=int, default=1200)
    options = parser.parse_args()
    settings = load_settings(offline=True).model_copy(update={"home": options.home.absolute()})
    path = resolve_llm_model(settings.llm_model, settings.models_folder).source
    generator = LlamaCppGenerator(path)
    rows: list[dict[str, Any]] = []
    for language in ("zh", "en"):
        for prompt, follow_up in write_prompts(generator, language, options.rounds, options.tokens):
            rows.append({"messages": _told(prompt), "follow_up": _told(follow_up)})
    with open_services(settings) as services:
        rows += record(services, options.each)
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    options.out.write_text("\n".join(lines) + "\n", "utf-8")
    print(f"{len(rows)} prompts, {options.out.stat().st_size:,} bytes: {options.out}")


if __name__ == "__main__":
    main()
