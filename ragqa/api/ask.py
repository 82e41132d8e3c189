"""The route of questions: one answer, or its making as a stream of events."""

from __future__ import annotations

import logging
import uuid
from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Header, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from ragqa.answering.answerer import Evidence, Finished
from ragqa.api.access import Given, warden_of
from ragqa.api.problems import problem_of
from ragqa.api.schemas import Question
from ragqa.api.streams import EVENT_STREAM, LastOnly, event, until_gone
from ragqa.api.telemetry import note_answer
from ragqa.errors import RagqaError
from ragqa.shapes import answer_to_json, hits_to_json
from ragqa.types import Token

if TYPE_CHECKING:
    from collections.abc import Generator

    from ragqa.answering.answerer import Event
    from ragqa.api.admission import Admission
    from ragqa.api.measures import Measures
    from ragqa.types import Answer

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
    measures: Measures = request.app.state.measures
    events = admit(
        request,
        services.ask(
            body.question,
            body.collection,
            limit=body.top_k,
            only=body.filter.to_filter() if body.filter else None,
            conversation_id=body.conversation_id or uuid.uuid4().hex,
        ),
    )
    first = next(events)  # what cannot be answered at all is refused before the stream begins
    if EVENT_STREAM in accept:
        return StreamingResponse(
            until_gone(_tell(first, events, measures)),
            media_type=EVENT_STREAM,
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )
    return LastOnly(events, lambda last: JSONResponse(answer_to_json(count(last, measures))))


def admit(request: Request, events: Generator[Event, None, None]) -> Generator[Event, None, None]:
    """Pass the events of a question on, holding one of the places for questions meanwhile.

    Raises:
        Busy: At the first event, if there is no place.
        RateLimited: If the caller's key had its questions for today.
    """
    admission: Admission = request.app.state.admission
    with admission.enter(), closing(events):
        warden_of(request).spend(request.state.caller, questions=1)
        yield from events


def count(last: Event, measures: Measures) -> Answer:
    """Note how a question ended and return the answer."""
    assert isinstance(last, Finished)
    measures.count(last.answer)
    note_answer(last.answer)
    return last.answer


def _tell(
    first: Event, events: Generator[Event, None, None], measures: Measures
) -> Generator[str, None, None]:
    try:
        yield _event(first)
        for one in events:
            if isinstance(one, Finished):
                count(one, measures)
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
        case Token(text=""):
            # Nobody is kept by a silent line, and who hangs up meanwhile is noticed.
            return ": working\n\n"
        case Token(text=text):
            return event("token", {"text": text})
        case Finished(answer=answer):
            return event("answer", answer_to_json(answer))
