"""Reading labelled questions, judging rankings, and the report of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ragqa.errors import InvalidInput
from ragqa.evaluation.answers import curve_of
from ragqa.evaluation.datasets import (
    Passage,
    Place,
    Question,
    read_beir,
    read_passage_set,
    read_questions,
)
from ragqa.evaluation.report import render_report
from ragqa.evaluation.run import evaluate_retrieval, judge_hits, set_against
from ragqa.types import Chunk, ChunkId, CollectionId, DocumentId, Hit, Id, Span

if TYPE_CHECKING:
    from pathlib import Path


def hit(filename: str, page: int, text: str = "text") -> Hit:
    number = Id(CollectionId(1), page)
    chunk = Chunk(page, Span(0, len(text)), text)
    return Hit(ChunkId(number), DocumentId(number), filename, chunk, "text", 1.0)


def test_a_hit_is_right_when_file_and_page_are() -> None:
    question = Question("q", "?", places=(Place("a.pdf", 3),))
    record = judge_hits(question, [hit("b.pdf", 3), hit("a.pdf", 2), hit("a.pdf", 3)])
    assert [found["right"] for found in record["found"]] == [False, False, True]
    assert record["measures"]["mrr@10"] == 1 / 3


def test_a_passage_is_right_when_it_holds_an_answer_on_the_right_page() -> None:
    question = Question("q", "?", ("1,500 W",), (Place("a.pdf", 3),))
    hits = [hit("a.pdf", 3, "no figure"), hit("b.pdf", 3, "1500 W"), hit("a.pdf", 3, "is 1,500 W.")]
    measures = judge_hits(question, hits)["measures"]
    assert (measures["mrr@10"], measures["passage_mrr@10"]) == (1, 1 / 3)
    assert (measures["passage_hit@1"], measures["passage_hit@3"]) == (0, 1)


def test_a_passage_is_right_when_it_reaches_into_the_span_that_the_line_tells() -> None:
    [question] = read_questions(
        [{"question": "?", "answers": ["x"], "document": "a.pdf", "page": 3, "span": [5, 9]}]
    )
    measures = judge_hits(question, [hit("a.pdf", 3, "x to 5"), hit("a.pdf", 3)])["measures"]
    assert measures["passage_hit@1"] == 1
    measures = judge_hits(question, [hit("a.pdf", 3, "just5")])["measures"]
    assert (measures["hit@1"], measures["passage_hit@1"]) == (1, 0)


def test_a_question_without_answers_or_a_span_has_no_measures_of_passages() -> None:
    question = Question("q", "?", places=(Place("a.pdf", 3),))
    assert not any("passage" in name for name in judge_hits(question, [])["measures"])


def test_a_span_that_is_none_is_named() -> None:
    with pytest.raises(InvalidInput, match="line 1: expected a span"):
        read_questions([{"question": "a", "span": [4, 4], "document": "a.pdf", "page": 1}])


def test_passages_are_compared_where_both_evaluations_have_them() -> None:
    question = Question("1", "one", ("x",), (Place("a.pdf", 1),))
    before = evaluate_retrieval(lambda _: [hit("a.pdf", 1, "y")], [question])
    after = evaluate_retrieval(lambda _: [hit("a.pdf", 1, "x")], [question])
    set_against(after, json.loads(json.dumps(before)))
    row = after["against"]["passage_hit@1"]
    assert (row["before"], row["mean"], row["better"]) == (0, 1, 1)


def test_a_question_without_a_page_asks_for_the_file() -> None:
    question = Question("q", "?", places=(Place("a.pdf"),))
    assert judge_hits(question, [hit("a.pdf", 9)])["measures"]["hit@1"] == 1


def test_two_chunks_of_one_page_are_one_place_found() -> None:
    question = Question("q", "?", places=(Place("a.pdf", 1), Place("a.pdf", 2)))
    record = judge_hits(question, [hit("a.pdf", 1), hit("a.pdf", 1)])
    assert record["measures"]["recall@10"] == 1 / 2


def test_question_lines_follow_the_contract() -> None:
    read = read_questions(
        [
            {"id": 7, "question": "Wo?", "answers": ["hier"], "document": "a.pdf", "page": 2},
            {"question": "Warum?", "document": None, "page": None, "answerable": False},
            {"question": "Wer?", "document": "b.pdf", "pages": [1, 4], "page": 1},
        ]
    )
    assert read[0] == Question("7", "Wo?", ("hier",), (Place("a.pdf", 2),))
    assert (read[1].answerable, read[1].places) == (False, ())
    assert read[2].places == (Place("b.pdf", 1), Place("b.pdf", 4))


def test_a_line_without_a_question_is_named() -> None:
    with pytest.raises(InvalidInput, match="line 2 has no question"):
        read_questions([{"question": "a"}, {"id": 1}])


def test_beir_folders_are_read(tmp_path: Path) -> None:
    write_lines(tmp_path / "corpus.jsonl", {"_id": "d1", "title": "T", "text": "body"})
    write_lines(
        tmp_path / "queries.jsonl", {"_id": "q1", "text": "asked"}, {"_id": "q2", "text": "not"}
    )
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "test.tsv").write_text(
        "query-id\tcorpus-id\tscore\nq1\td1\t1\nq2\td1\t0\n"
    )
    passages, questions = read_beir(tmp_path)
    assert passages == [Passage("d1", "body", "T")]
    assert questions == [Question("q1", "asked", places=(Place("d1"),))]


def test_sets_are_joined_into_one_corpus(tmp_path: Path) -> None:
    write_lines(
        tmp_path / "passages.jsonl",
        {"id": "one/1", "set": "one", "text": "a"},
        {"id": "two/1", "set": "two", "text": "b"},
        {"id": "three/1", "set": "three", "text": "c"},
    )
    asked = {"question": "?", "answers": ["x"], "passages": ["one/1"]}
    write_lines(
        tmp_path / "questions.jsonl",
        {"id": "q1", "set": "one", "answerable": True} | asked,
        {"id": "q2", "set": "one", "answerable": False} | asked,
        {"id": "q3", "set": "three", "answerable": True} | asked,
    )
    passages, questions = read_passage_set(tmp_path, ["one", "two"])
    assert [passage.id for passage in passages] == ["one/1", "two/1"]
    assert [question.id for question in questions] == ["q1"]


def test_the_report_shows_figures_and_escapes_what_failed() -> None:
    questions = [
        Question("1", "what is <b>?", places=(Place("a.pdf", 1),)),
        Question("2", "fine", places=(Place("b.pdf", 1),)),
        Question("3", "unanswerable", answerable=False),
    ]
    result = evaluate_retrieval(lambda _: [hit("b.pdf", 1, "<script>")], questions)
    assert result["metrics"]["hit@1"] == 0.5
    assert result["intervals"]["hit@1"]["n"] == 2
    page = render_report(result)
    assert "what is &lt;b&gt;?" in page
    assert "<script>" not in page
    assert "right page not among them" in page


def test_two_configurations_are_compared_question_by_question() -> None:
    questions = [
        Question("1", "one", places=(Place("a.pdf", 1),)),
        Question("2", "two", places=(Place("b.pdf", 1),)),
        Question("3", "three", places=(Place("b.pdf", 1),)),
    ]
    before = evaluate_retrieval(lambda _: [hit("a.pdf", 1, "<i>")], questions)
    after = evaluate_retrieval(lambda _: [hit("b.pdf", 1, "<b>")], questions)
    set_against(after, json.loads(json.dumps(before)))
    row = after["against"]["hit@1"]
    assert (row["mean"], row["before"]) == (pytest.approx(2 / 3), pytest.approx(1 / 3))
    assert (row["better"], row["worse"]) == (2, 1)
    # However three differences of 1 are signed, their sum is 1 at least.
    assert row["p"] == 1
    page = render_report(after)
    assert "Against the other configuration" in page
    assert "&lt;b&gt;" in page
    assert "&lt;i&gt;" in page


def test_evaluations_of_other_questions_are_not_compared() -> None:
    one = evaluate_retrieval(lambda _: [], [Question("1", "one", places=(Place("a.pdf"),))])
    two = evaluate_retrieval(lambda _: [], [Question("1", "two", places=(Place("a.pdf"),))])
    with pytest.raises(InvalidInput, match="the same questions"):
        set_against(one, two)
    with pytest.raises(InvalidInput, match="evaluate --json"):
        set_against(one, {"metrics": {}})


def write_lines(path: Path, *records: object) -> None:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


def test_the_report_draws_risk_over_coverage_and_lists_answers_that_are_not_right() -> None:
    def judged(text: str, confidence: float, contains: float) -> dict[str, Any]:
        measures = {"contains_answer": contains, "answered_rightly": 1.0}
        told = {"expected": ["1958"], "said": f"<{text}>", "refusal": None, "cited": []}
        return {**told, "question": text, "confidence": confidence, "measures": measures}

    answers = [judged("sure", 0.9, 1.0), judged("unsure", 0.4, 0.0)]
    curve = curve_of(answers)
    page = render_report(
        {"intervals": {}, "questions": [], "answers": answers, "risk_coverage": curve}
    )

    # Half of the questions, none wrong; then all of them, half wrong: on 400 by 160 pixels.
    assert 'points="200.0,160.0 400.0,80.0"' in page
    assert "Answers that are not right: 1 of 2" in page
    assert "&lt;unsure&gt;" in page
    assert "&lt;sure&gt;" not in page
