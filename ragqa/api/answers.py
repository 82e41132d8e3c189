"""Routes of answers that were given."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Response

from ragqa.api.access import Given
from ragqa.api.schemas import Feedback
from ragqa.store import answers
from ragqa.types import AnswerId, Id

router = APIRouter(prefix="/answers/{answer_id}", tags=["answers"])


@router.get("")
def show(answer_id: str, services: Given) -> dict[str, Any]:
    """Show an answer with its full trace: prompt, hits, models, timings."""
    with services.database.transaction() as conn:
        return answers.read_answer(conn, AnswerId(Id.parse(answer_id, "answer")))


@router.post("/feedback", status_code=HTTPStatus.NO_CONTENT)
def judge(answer_id: str, body: Feedback, services: Given) -> Response:
    """Say whether an answer was good."""
    with services.database.transaction() as conn:
        answers.insert_feedback(
            conn, AnswerId(Id.parse(answer_id, "answer")), body.rating, body.comment
        )
    return Response(status_code=HTTPStatus.NO_CONTENT)
