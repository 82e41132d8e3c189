"""Why what a sentence tells answers another question, though both look alike."""

from __future__ import annotations

from ragqa.answering.figures import is_other_figure
from ragqa.answering.others import is_of_another, is_of_other_year
from ragqa.answering.quantities import is_other_quantity
from ragqa.answering.questions import asks_itself, is_other_kind


def find_mistake(told: str, sentence: str, question: str, *, row: bool = False) -> str | None:
    """Say why what a sentence tells is no answer to a question; None when it may be one.

    Args:
        told: The short answer.
        sentence: In which it stands.
        question: The standalone question.
        row: Whether the sentence is a row of a table: what it is about stands in its heads.
    """
    if is_other_quantity(told, question) or is_other_figure(told, sentence, question):
        return "the question asks for another quantity"
    if is_other_kind(told, question):
        return "the question does not ask for a time"
    if asks_itself(sentence, told):
        return "it is only asked there"
    if not row and (
        is_of_another(sentence, question) or is_of_other_year(told, sentence, question)
    ):
        return "its sentence is about something else than the question"
    return None
