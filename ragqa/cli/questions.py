"""The commands that ask: ``search``, ``ask``, ``verify``, ``evaluate``."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ragqa.cli.base import CollectionName, Json, TopK, open_settings, print_json, read_lines
from ragqa.errors import InvalidInput

if TYPE_CHECKING:
    from ragqa.types import Answer, Hit


def mount(app: typer.Typer) -> None:
    """Add the commands to the program."""
    for command in (search, ask, verify, evaluate):
        app.command()(command)


def search(query: str, collection: CollectionName, top_k: TopK = 10, as_json: Json = False) -> None:
    """Find the passages that may answer a query."""
    from ragqa.shapes import hits_to_json
    from ragqa.store.collections import find_collection
    from ragqa.wiring import open_services

    with open_services(open_settings()) as services:
        with services.database.transaction() as conn:
            found = find_collection(conn, collection)
        retriever = services.retriever(found.embedding_model)
        hits = retriever.retrieve(_check_question(query), found.name, limit=top_k)
    if as_json:
        print_json({"query": query, "hits": hits_to_json(hits)})
        return
    for rank, hit in enumerate(hits, start=1):
        typer.echo(_hit_line(rank, hit))
    if not hits:
        typer.echo("nothing was found")


def ask(
    question: str,
    collection: CollectionName,
    llm: Annotated[
        bool, typer.Option("--llm/--no-llm", help="--no-llm: the extractive answer alone.")
    ] = True,
    top_k: TopK = 10,
    as_json: Json = False,
) -> None:
    """Answer a question; every sentence cites a place on a page, or there is a refusal."""
    from ragqa.answering.answerer import Finished
    from ragqa.shapes import answer_to_json
    from ragqa.wiring import open_services

    with open_services(open_settings()) as services:
        events = services.ask(_check_question(question), collection, limit=top_k, use_llm=llm)
        with closing(events):
            *_, last = events
    assert isinstance(last, Finished)
    if as_json:
        print_json(answer_to_json(last.answer))
    else:
        _print_answer(last.answer)


def verify(
    claims: Annotated[Path, typer.Argument(help="JSON lines: {id, sentence, quotes: [..]}.")],
    as_json: Json = False,
) -> None:
    """Tell for each sentence whether its quotes bear it out; needs no database and no LLM."""
    from ragqa.answering.verification import verify_claims

    records = verify_claims(read_lines(claims))
    if as_json:
        print_json(records)
        return
    for record in records:
        verdict = "supported" if record["supported"] else "NOT supported"
        typer.echo("\t".join([str(record["id"]), verdict, *record["reasons"]]))


def evaluate(
    questions: Annotated[Path, typer.Argument(help="JSON lines: {id, question, answers, …}.")],
    collection: CollectionName,
    answers: Annotated[
        bool, typer.Option("--answers", help="Also judge answers, not only retrieval.")
    ] = False,
    html: Annotated[Path | None, typer.Option(help="Also write a report page here.")] = None,
    as_json: Json = False,
) -> None:
    """Measure retrieval (and answers) on labelled questions."""
    from ragqa.evaluation.run import evaluate_collection, write_report
    from ragqa.wiring import open_services

    lines = read_lines(questions)
    with open_services(open_settings()) as services:
        metrics = evaluate_collection(services, collection, lines, answers=answers)
    if html is not None:
        write_report(metrics, html)
    if as_json:
        print_json(metrics)
        return
    for name, value in metrics["metrics"].items():
        typer.echo(f"{name}\t{value}")


def _check_question(text: str) -> str:
    text = text.replace("\0", "").strip()
    if not 1 <= len(text) <= 1000:
        raise InvalidInput(f"a question has 1 to 1,000 characters, this one {len(text)}")
    return text


def _hit_line(rank: int, hit: Hit) -> str:
    start = " ".join(hit.chunk.text.split())[:160]
    return f"{rank}\t{hit.score:.3f}\t{hit.filename}, p. {hit.chunk.page_number}\t{start}"


def _print_answer(answer: Answer) -> None:
    typer.echo(answer.refusal.message if answer.refusal else answer.text)
    for citation in answer.citations:
        typer.echo(
            f"  [{citation.marker}] {citation.filename}, p. {citation.page}: {citation.quote!r}"
        )
