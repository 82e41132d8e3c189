"""Questions over a table in their document: computed from cells against a model that reads it.

    RAGQA_EVAL_DATA=... python benchmarks/answers_tables.py [--size 0] [--llm FILE.gguf]
        [--read 40] [--half 1] [--said FILE]

Every question of tatqa whose answer is a number of its table or computed from it. Right is the
number (half a per mille either way, and two decimals), and the cells of the set's own derivation
among the cited ones. With ``--llm`` the same questions are put to that model with the table as
text: the ``--read`` first of a fixed shuffle; there only the number counts. With ``--said`` what
the model said is kept, so that it need not be asked again.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from answers_data import lines, questions

from ragqa.answering.answerer import Answerer, Finished
from ragqa.answering.citations import MARKER
from ragqa.answering.grids import parse_figure
from ragqa.answering.prompt import ANSWER_TOKENS, STOP
from ragqa.models.extractive import ExtractiveGenerator
from ragqa.models.hashing import HashingEmbedder
from ragqa.types import (
    Answer,
    BBox,
    Box,
    Chunk,
    ChunkId,
    CollectionId,
    DocumentId,
    Hit,
    Id,
    Message,
    Span,
)

if TYPE_CHECKING:
    from answers_data import Question

    from ragqa.ports import Generator
    from ragqa.types import Filter

RESULTS = Path(__file__).parent / "results"
NUMBER = re.compile(r"[(-]?\s?\$?\s?\d[\d,]*(?:\.\d+)?\s?%?\)?")


class OneDocument:
    """A retriever over one document: its table, then its text. Also cuts quotes."""

    def __init__(self, table: str, text: str) -> None:
        """Make the two chunks of a page."""
        self.page = f"{table}\n\n{text}"
        one = Id(CollectionId(1), 1)
        spans = [(Span(0, len(table)), "table")]
        if text.strip():
            spans.append((Span(len(table) + 2, len(self.page)), "text"))
        self.hits = [
            Hit(
                ChunkId(Id(CollectionId(1), n)),
                DocumentId(one),
                "tatqa",
                Chunk(1, span, span.of(self.page), "table" if kind == "table" else "text"),
                "text",
                1.0 / n,
            )
            for n, (span, kind) in enumerate(spans, 1)
        ]

    def retrieve(
        self, question: str, collection: str, *, limit: int, only: Filter | None = None
    ) -> list[Hit]:
        """Return the document."""
        del question, collection, only
        return self.hits[:limit]

    def cut(self, hit: Hit, span: Span) -> tuple[str, tuple[Box, ...]]:
        """Return the page's text inside ``span``."""
        return span.of(self.page), (Box(hit.chunk.page_number, BBox(0, 0, 1, 1)),)


def store_table(rows: list[list[str]]) -> str:
    """Write a table as ingestion does: a tab between cells, empty cells at the ends left out."""
    return "\n".join(
        "\t".join(row).strip("\t") for row in rows if any(cell.strip() for cell in row)
    )


def value_of(text: str) -> float | None:
    """Return the number that a text is; None when it is none."""
    figure = parse_figure(re.sub(r"\s*(?:million|billion|thousand|percent)\b", "", text).strip())
    return None if figure is None else float(figure[0])


def agrees(found: float | None, gold: float | None) -> bool:
    """Say whether two numbers are the same after rounding."""
    if found is None or gold is None:
        return False
    return abs(found - gold) <= max(0.011, abs(gold) * 5e-4)


def right_number(said: str, answers: tuple[str, ...]) -> bool:
    """Say whether the last number that a text states, or its only one, is a right answer."""
    found = [value_of(number) for number in NUMBER.findall(said)]
    return bool(found) and any(agrees(found[-1], value_of(answer)) for answer in answers)


def cites_cells(answer: Answer, question: Question) -> bool:
    """Say whether every cell of the set's own derivation is cited; its answer where it has none."""
    derivation = question.raw.get("derivation") or question.answers[0]
    wanted = {
        abs(v) for n in NUMBER.findall(derivation) if (v := value_of(n.strip("()"))) is not None
    }
    wanted -= {float(n) for n in (2, 3, 4, 5, 100) if "/" in derivation or "÷" in derivation}
    cited = {
        abs(v)
        for citation in answer.citations
        if citation.cell is not None and (v := value_of(citation.cell.text)) is not None
    }
    return bool(cited) and wanted <= cited


def read_as_text(model: Generator, table: str, question: str) -> str:
    """Put the table as text to a model, with an example of both kinds of question."""
    system = "Answer from the table. Write only the number."
    example = "Item\t2020\t2019\nSales\t120\t100\n"
    messages = [
        Message("system", system),
        Message("user", f"{example}\nWhat were sales in 2019?"),
        Message("assistant", "100"),
        Message("user", f"{example}\nWhat was the change in sales from 2019 to 2020?"),
        Message("assistant", "20"),
        Message("user", f"{table}\n\n{question}"),
    ]
    return "".join(t.text for t in model.generate(messages, max_tokens=ANSWER_TOKENS, stop=STOP))


class _Reader:
    """Puts tables as text to a model, unless what it said is known."""

    def __init__(self, path: str, threads: int, said: Path | None) -> None:
        from ragqa.models.llama_cpp import LlamaCppGenerator

        self._model = LlamaCppGenerator(path, threads=threads)
        self._kept = said
        lines = said.read_text("utf-8").splitlines() if said and said.exists() else []
        self._known: dict[str, str] = dict(map(json.loads, lines))

    def ask(self, name: str, table: str, question: str) -> str:
        """Return what the model says to the question called ``name``."""
        if name not in self._known:
            self._known[name] = read_as_text(self._model, table, question)
            if self._kept is not None:
                with self._kept.open("a", encoding="utf-8") as file:
                    file.write(json.dumps([name, self._known[name]]) + "\n")
        return self._known[name]


def main() -> None:
    """Print right, cited and computed shares by kind of question, and the model's beside them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=0, help="0: all")
    parser.add_argument("--half", type=int, default=-1, help="only the passages of half 0 or 1")
    parser.add_argument("--llm", default="")
    parser.add_argument("--read", type=int, default=40)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--said", type=Path, default=None)
    options = parser.parse_args()
    tables = {p["id"]: p for p in lines("passages.jsonl") if p["set"] == "tatqa"}
    halves = {name: n % 2 for n, name in enumerate(tables)}
    chosen = [
        q
        for q in questions("tatqa")
        if q.kind in ("table_arithmetic", "table_span")
        and q.raw.get("answer_from") != "text"
        and any(value_of(answer) is not None for answer in q.answers)
        and options.half in (-1, halves[q.passages[0]])
    ]
    random.Random(5).shuffle(chosen)
    chosen = chosen[: options.size or len(chosen)]
    answerer_of = lambda one: Answerer(ExtractiveGenerator(), HashingEmbedder(), one, one)  # noqa: E731
    read = _Reader(options.llm, options.threads, options.said) if options.llm else None
    table: dict[str, list[dict[str, float]]] = defaultdict(list)
    for number, q in enumerate(chosen):
        passage = tables[q.passages[0]]
        stored = store_table(passage["table"])
        document = OneDocument(stored, passage["text"].split("\n\n", 1)[-1])
        started = time.perf_counter()
        *_, last = answerer_of(document).ask(q.question, "tatqa")
        assert isinstance(last, Finished)
        row = {"ms": 1000 * (time.perf_counter() - started)}
        computed = any(citation.cell for citation in last.answer.citations)
        row |= {"computed": float(computed)}
        right = computed and right_number(MARKER.sub("", last.answer.text), q.answers)
        row |= {
            "right": float(right),
            "right, cells cited": float(right and cites_cells(last.answer, q)),
        }
        if computed:
            row["right of computed"] = float(right)
        if read is not None and number < options.read:
            said = read.ask(q.id, stored, q.question)
            row |= {"model right": float(right_number(said, q.answers)), "beside it": float(right)}
        for key in (q.kind, "all"):
            table[key].append(row)
    result: dict[str, Any] = {}
    for key, rows in table.items():
        names = dict.fromkeys(name for row in rows for name in row)
        result[key] = {"n": len(rows)} | {
            name: round(sum(r[name] for r in rows if name in r) / sum(name in r for r in rows), 4)
            for name in names
        }
        print(key, result[key])
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "answers_tables.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
