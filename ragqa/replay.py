"""Asking again what was asked: is the answer the same, and if not, what has changed?"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from ragqa.answering.answerer import Finished
from ragqa.shapes import answer_to_json, filter_from_json
from ragqa.store.answers import read_answer, read_versions
from ragqa.store.collections import find_collection
from ragqa.types import DocumentId, Id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ragqa.types import AnswerId
    from ragqa.wiring import Services

    Json = dict[str, Any]

_MODELS = ("embedding", "reranker", "generator")


def replay_answer(services: Services, answer_id: AnswerId) -> Json:
    """Answer a stored question again, as it was asked; nothing is stored.

    Returns:
        ``id``, ``identical`` (the same text, citations and refusal), ``differences`` in the order
        of their causes (each ``what``, ``message``, ``before``, ``after``), and the new ``answer``.

    Raises:
        NotFound: If there is no such answer, or a document that it showed was deleted.
        ModelMissing: If a model's weights are not on this machine.
    """
    with services.database.transaction() as conn:
        before = read_answer(conn, answer_id)
        shown = [DocumentId(Id.parse(text, "document")) for text in before.get("versions", {})]
        versions = read_versions(conn, answer_id.collection_id, shown)
        found = find_collection(conn, before["collection"])
    asked = before.get("asked") or {}
    only = filter_from_json(asked["filter"]) if asked.get("filter") else None
    use_llm = bool(asked.get("llm", True))
    # The question as it was understood: a follow-up is not understood anew.
    events = services.answerer(
        found.embedding_model, use_llm=use_llm, threshold=found.answer_from
    ).ask(
        before["standalone_question"] or before["question"],
        found.name,
        limit=asked.get("top_k", 10),
        only=only,
        use_llm=use_llm,
    )
    with closing(events):
        *_, last = events
    assert isinstance(last, Finished)
    after = {
        **answer_to_json(last.answer),
        "prompt": last.answer.prompt,
        "versions": versions,
    }
    differences = list(_differences(before, after))
    return {
        "id": str(answer_id),
        "identical": _said(before) == _said(after),
        "differences": differences,
        "answer": after,
    }


def _differences(before: Json, after: Json) -> Iterator[Json]:
    names = {hit["document_id"]: hit["filename"] for hit in before["hits"]}
    for document, version in before.get("versions", {}).items():
        now = after["versions"].get(document)
        if now != version:
            name = names.get(document, document)
            message = f"{name} was at version {version} and is at {now}"
            yield _difference("document", message, version, now)
    for model in _MODELS:
        then, now = before["models"][model], after["models"][model]
        if then != now:
            yield _difference("model", f"the {model} was {then} and is {now}", then, now)
    places, others = _places(before), _places(after)
    if places != others:
        new = sum(place not in places for place in others)
        message = (
            f"{new} of {len(others)} passages were not found before"
            if new
            else "the same passages were found in another order, or fewer of them"
        )
        yield _difference("passages", message, places, others)
    if before.get("prompt") != after["prompt"]:
        yield _difference(
            "prompt", "the model was told something else", before.get("prompt"), after["prompt"]
        )
    if _said(before) != _said(after):
        then, now = _told(before), _told(after)
        message = "the answer is another" if then != now else "the answer cites other places"
        yield _difference("answer", message, then, now)


def _difference(what: str, message: str, before: object, after: object) -> Json:
    return {"what": what, "message": message, "before": before, "after": after}


def _places(record: Mapping[str, Any]) -> list[list[Any]]:
    return [[hit["document_id"], hit["page"], *hit["span"]] for hit in record["hits"]]


def _told(record: Mapping[str, Any]) -> str:
    return record["text"] or f"refused: {record['refusal']['reason']}"


def _said(record: Mapping[str, Any]) -> tuple[str, str | None, list[Any]]:
    """Return what a reader sees of an answer: text, reason of a refusal, what is cited."""
    refusal = record["refusal"]
    cited = [
        [citation["marker"], citation["document_id"], citation["page"], citation["quote"]]
        for citation in record["citations"]
    ]
    return record["text"], refusal["reason"] if refusal else None, cited
