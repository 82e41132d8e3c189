"""The OpenAI door: chat completions over a collection, citations in an extra field."""

from __future__ import annotations

import json
import time
import uuid
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from ragqa.answering.answerer import Finished
from ragqa.api.access import Given
from ragqa.api.ask import admit, count
from ragqa.api.problems import problem_of
from ragqa.api.schemas import QUESTION_CHARACTERS, ChatRequest
from ragqa.api.streams import EVENT_STREAM, LastOnly, until_gone
from ragqa.errors import InvalidInput, RagqaError
from ragqa.shapes import citation_to_json
from ragqa.store.collections import list_collections

if TYPE_CHECKING:
    from collections.abc import Generator

    from ragqa.answering.answerer import Event
    from ragqa.api.measures import Measures
    from ragqa.types import Answer

router = APIRouter(tags=["openai"])


@router.get("/models")
def list_models(services: Given) -> dict[str, Any]:
    """List the collections as models."""
    with services.database.transaction() as conn:
        found = list_collections(conn)
    return {
        "object": "list",
        "data": [
            {
                "id": collection.name,
                "object": "model",
                "created": int(collection.created_at.timestamp()),
                "owned_by": "ragqa",
            }
            for collection in found
        ],
    }


@router.post("/chat/completions", response_model=None)
def complete(request: Request, body: ChatRequest, services: Given) -> Response:
    """Answer the last user message from the collection that `model` names.

    It may lean on the user's messages before it ("and how heavy is it?"). Of everything else that
    clients send, such as `temperature` or system messages, nothing is needed and nothing refused.
    """
    *earlier, question = _questions(body)
    # Clients of this protocol keep the conversation, and send it whole every time.
    history = [(one, "") for one in earlier]
    events = admit(request, services.ask(question, body.model, history=history))
    measures: Measures = request.app.state.measures
    first = next(events)
    if body.stream:
        chunks = _chunks(first, events, body, measures)
        return StreamingResponse(until_gone(chunks), media_type=EVENT_STREAM)
    return LastOnly(events, lambda last: JSONResponse(_completion(count(last, measures), body)))


def _completion(answer: Answer, body: ChatRequest) -> dict[str, Any]:
    message = {"role": "assistant", "content": text_with_sources(answer)}
    return {
        **_head("chat.completion", body.model),
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": _usage(answer),
        "citations": [citation_to_json(citation) for citation in answer.citations],
    }


def _questions(body: ChatRequest) -> list[str]:
    """Return what the user said, in order; the last is the question."""
    said = [message.text().strip() for message in body.messages if message.role == "user"]
    question = said[-1] if said else ""
    if not question:
        raise InvalidInput("`messages` holds no user message with text: a question was expected")
    if len(question) > QUESTION_CHARACTERS:
        raise InvalidInput(
            f"a question has at most {QUESTION_CHARACTERS} characters, this one {len(question)}"
        )
    return [one for one in said if one]


def text_with_sources(answer: Answer) -> str:
    """Return the answer's text, and below it where each marker points."""
    if answer.refusal is not None:
        return answer.refusal.message
    sources = [
        f"[{citation.marker}] {citation.filename}, p. {citation.page}"
        for citation in answer.citations
    ]
    return "\n\n".join(part for part in (answer.text, "\n".join(sources)) if part)


def _head(kind: str, model: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "object": kind,
        "created": int(time.time()),
        "model": model,
    }


def _usage(answer: Answer) -> dict[str, int]:
    usage = answer.usage
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
    }


def _chunks(
    first: Event,
    events: Generator[Event, None, None],
    body: ChatRequest,
    measures: Measures,
) -> Generator[str, None, None]:
    """Stream the verified text once it stands.

    A client of this protocol cannot take words back, so nothing is sent before it is verified;
    comments keep the connection alive meanwhile.
    """
    head = _head("chat.completion.chunk", body.model)

    def chunk(delta: dict[str, Any], reason: str | None = None, **more: Any) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return _data({**head, "choices": [choice], **more})

    try:
        yield chunk({"role": "assistant", "content": ""})
        last = first
        for last in events:
            if not isinstance(last, Finished):
                yield ": working\n\n"
        answer = count(last, measures)
        for line in text_with_sources(answer).splitlines(keepends=True):
            yield chunk({"content": line})
        citations = [citation_to_json(citation) for citation in answer.citations]
        yield chunk({}, "stop", citations=citations)
        if body.stream_options and body.stream_options.include_usage:
            yield _data({**head, "choices": [], "usage": _usage(answer)})
        yield "data: [DONE]\n\n"
    except RagqaError as error:
        document = problem_of(error)
        yield _data({"error": {"message": document["detail"], "code": document["code"]}})
    finally:
        events.close()


def _data(record: dict[str, Any]) -> str:
    return f"data: {json.dumps(record, ensure_ascii=False)}\n\n"
