"""The route of questions: one answer, or its making as a stream of events."""

from __future__ import annotations

import logging
import uuid
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Header, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from ragqa.answering.answerer import Evidence, Finished
from ragqa.api.access import Given
from ragqa.api.problems import problem_of
from ragqa.api.schemas import Question
from ragqa.api.streams import EVENT_STREAM, event, until_gone
from ragqa.errors import RagqaError
from ragqa.shapes import answer_to_json, hits_to_json
from ragqa.types import Token

if TYPE_CHECKING:
    from collections.abc import Generator

    from ragqa.answering.answerer import Event
    from ragqa.api.measures import Measures
    from ragqa.types import Answer
    from ragqa.wiring import Services

logger = logging.getLogger(__name__)

router = APIRouter(tags=["ask"])


@router.post("/ask", response_model=None, responses={200: {"content": {EVENT_STREAM: {}}}})
def ask(
    request: Request,
    body: Question,
    services: Given,
    accept: Annotated[str, Header()] = "application/json",
) -> Response:
    """Answer a question from a collection.

    With `Accept: text/event-stream`: `evidence` (the hits and the extractive answer) first, then
    `token`s, then one `answer`; or `error`.
    """
    events = _begin(services, body)
    measures: Measures = request.app.state.measures
    first = next(events)  # what cannot be answered at all is refused before the stream begins
    if EVENT_STREAM in accept:
        return StreamingResponse(
            until_gone(_tell(first, events, measures)),
            media_type=EVENT_STREAM,
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )
    answer = finish(first, events)
    measures.count(answer)
    return JSONResponse(answer_to_json(answer))


def _begin(services: Services, body: Question) -> Generator[Event, None, None]:
    return services.ask(
        body.question.replace("\0", ""),
        body.collection,
        limit=body.top_k,
        only=body.filter.to_filter() if body.filter else None,
        conversation_id=body.conversation_id or uuid.uuid4().hex,
    )


def finish(first: Event, events: Generator[Event, None, None]) -> Answer:
    """Run the events to their end and return the answer."""
    *_, last = first, *events
    assert isinstance(last, Finished)
    return last.answer


def _tell(
    first: Event, events: Generator[Event, None, None], measures: Measures
) -> Generator[str, None, None]:
    try:
        yield _event(first)
        for one in events:
            if isinstance(one, Finished):
                measures.count(one.answer)
            yield _event(one)
    except RagqaError as error:
        yield event("error", problem_of(error))
    except Exception:
        logger.exception("answering failed")
        yield event("error", problem_of(RagqaError("answering failed; the log has the details")))
    finally:
        events.close()


def _event(one: Event) -> str:
    body: dict[str, Any]
    match one:
        case Evidence(hits=hits, answer=answer):
            body = {"hits": hits_to_json(hits), "answer": answer_to_json(answer)}
            return event("evidence", body)
        case Token(text=text):
            return event("token", {"text": text})
        case Finished(answer=answer):
            return event("answer", answer_to_json(answer))
