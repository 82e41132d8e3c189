"""The commands that ask: ``search``, ``ask``, ``replay``, and those that measure answers."""

from __future__ import annotations

import datetime as dt
import json
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast, get_args

import typer

from ragqa.cli.base import CollectionName, Json, TopK, open_settings, print_json, read_lines
from ragqa.errors import InvalidInput
from ragqa.types import ChunkKind

if TYPE_CHECKING:
    from ragqa.retrieval.explain import Explained
    from ragqa.types import Answer, Hit


def mount(app: typer.Typer) -> None:
    """Add the commands to the program."""
    for command in (search, ask, replay, verify, evaluate, calibrate):
        app.command()(command)


def search(
    query: str,
    collection: Annotated[
        list[str], typer.Option("--collection", "-c", help="Where to search; may be repeated.")
    ],
    top_k: TopK = 10,
    document: Annotated[
        list[str] | None, typer.Option(help="Only this document, by id; may be repeated.")
    ] = None,
    pages: Annotated[str, typer.Option(help="Only these pages: `7` or `3-9`.")] = "",
    kind: Annotated[str, typer.Option(help="Only `text`, or only `table`.")] = "",
    metadata: Annotated[
        list[str] | None, typer.Option(help="Only documents with `key=value`; may be repeated.")
    ] = None,
    since: Annotated[
        dt.datetime | None, typer.Option(help="Only documents taken in since then (UTC).")
    ] = None,
    until: Annotated[
        dt.datetime | None, typer.Option(help="Only documents taken in before then (UTC).")
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Also tell terms, stages, ranks and times.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Find the passages that may answer a query."""
    from ragqa.retrieval.explain import explained_to_json
    from ragqa.shapes import hits_to_json
    from ragqa.store.collections import find_collection
    from ragqa.types import DocumentId, Filter, Id
    from ragqa.wiring import open_services

    only = Filter(
        documents=tuple(DocumentId(Id.parse(text, "document")) for text in document or ()),
        pages=_page_range(pages) if pages else None,
        kind=_check_kind(kind) if kind else None,
        metadata=tuple(_pair(text) for text in metadata or ()),
        since=since and since.replace(tzinfo=dt.UTC),
        until=until and until.replace(tzinfo=dt.UTC),
    )
    with open_services(open_settings()) as services:
        with services.database.transaction() as conn:
            found = [find_collection(conn, name) for name in collection]
        explained = services.retriever(found[0].embedding_model).explain(
            _check_question(query), [one.name for one in found], limit=top_k, only=only
        )
    told = explained_to_json(explained) if explain else None
    if as_json:
        record = {"query": query, "hits": hits_to_json(explained.hits)}
        print_json({**record, "explain": told} if explain else record)
        return
    for rank, hit in enumerate(explained.hits, start=1):
        typer.echo(_hit_line(rank, hit))
        if explain:
            stages = ", ".join(f"{name} {place} ({score:.3f})" for name, place, score in hit.stages)
            typer.echo(f"\t{stages}; has {', '.join(explained.matched[rank - 1]) or 'no term'}")
    if not explained.hits:
        typer.echo("nothing was found")
    if explain:
        _print_explanation(explained)


def _print_explanation(explained: Explained) -> None:
    for term in explained.terms:
        typer.echo(f"term\t{term.text}\tin {term.chunks} chunks\tweight {term.weight:.2f}")
    for wrong, right in explained.respelt:
        typer.echo(f"respelt\t{wrong}\tis in no chunk; {right} was looked for")
    for named in explained.named:
        typer.echo(f"named\t{named.filename}\t{named.score:.2f}")
    for stage in explained.stages:
        typer.echo(f"stage\t{stage.name}\t{stage.found} found\t{stage.milliseconds:.1f} ms")


def _page_range(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    try:
        pages = int(first), int(last or first)
    except ValueError:
        pages = 0, 0
    if not 1 <= pages[0] <= pages[1]:
        raise InvalidInput(f"--pages {text}: a page or a range was expected, like 7 or 3-9")
    return pages


def _check_kind(text: str) -> ChunkKind:
    for kind in get_args(ChunkKind):
        if text == kind:
            return cast("ChunkKind", kind)
    raise InvalidInput(f"--kind {text}: text or table was expected")


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise InvalidInput(f"--metadata {text}: key=value was expected")
    return key, value


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


def replay(
    answer: Annotated[str, typer.Argument(help="The id of an answer, like 1-17.")],
    as_json: Json = False,
) -> None:
    """Ask again what was asked: identical, or what differs and why."""
    from ragqa.replay import replay_answer
    from ragqa.types import AnswerId, Id
    from ragqa.wiring import open_services

    with open_services(open_settings()) as services:
        result = replay_answer(services, AnswerId(Id.parse(answer, "answer")))
    if as_json:
        print_json(result)
        return
    typer.echo("identical" if result["identical"] else "different")
    for difference in result["differences"]:
        typer.echo(f"  {difference['what']}: {difference['message']}")


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
    against: Annotated[
        Path | None, typer.Option(help="What --json printed before: say what differs.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure retrieval (and answers) on labelled questions."""
    from ragqa.evaluation.run import evaluate_collection, set_against, write_report
    from ragqa.wiring import open_services

    lines = read_lines(questions)
    with open_services(open_settings()) as services:
        metrics = evaluate_collection(services, collection, lines, answers=answers)
    if against is not None:
        set_against(metrics, _read_json(against))
    if html is not None:
        write_report(metrics, html)
    if as_json:
        print_json(metrics)
        return
    for name, value in metrics["metrics"].items():
        typer.echo(f"{name}\t{value}")
    for name, row in metrics.get("against", {}).items():
        typer.echo(
            f"{name}\t{row['before']:.4f} before, {row['better']} better, {row['worse']} worse, "
            f"p {row['p']:.3f}"
        )


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{path} is not what `ragqa evaluate --json` prints: {error}") from error


def calibrate(
    collection: CollectionName,
    questions: Annotated[
        Path | None, typer.Argument(help="JSON lines: {id, question, answers, …}; else made up.")
    ] = None,
    risk: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Most wrong ones among the answers given.")
    ] = 0.1,
    size: Annotated[int, typer.Option(min=10, help="Passages to make up questions about.")] = 40,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Measure; change nothing.")] = False,
    reset: Annotated[bool, typer.Option("--reset", help="Back to the default.")] = False,
    as_json: Json = False,
) -> None:
    """Set from when on a collection answers, so that few enough answers are wrong."""
    from ragqa.evaluation.datasets import read_questions
    from ragqa.store.collections import find_collection, set_answer_from
    from ragqa.thresholds import calibrate_collection
    from ragqa.wiring import open_services

    labelled = read_questions(read_lines(questions)) if questions is not None else None
    with open_services(open_settings()) as services:
        if reset:
            with services.database.transaction() as conn:
                set_answer_from(conn, find_collection(conn, collection).id, None)
            typer.echo("reset: the collection answers as it did before any calibration")
            return
        result = calibrate_collection(
            services, collection, labelled, risk=risk, size=size, keep=not dry_run
        )
    if as_json:
        print_json(result)
        return
    typer.echo("confidence\tcoverage\trisk")
    for point in result["risk_coverage"]:
        typer.echo(f"{point['threshold']:.3f}\t{point['coverage']:.3f}\t{point['risk']:.3f}")
    kept = "kept" if result["kept"] else "not kept (--dry-run)"
    typer.echo(
        f"answers from confidence {result['threshold']:.3f} on: {result['coverage']:.0%} of "
        f"{result['questions']} questions, {result['risk']:.0%} of them wrong; {kept}"
    )


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
