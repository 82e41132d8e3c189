"""Questions to answers over a real document in a real database."""

# Longer than 300 lines: all tests share one small collection and one generator.

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ingest.worker import run_worker
from ragqa.answering.answerer import Answerer, Event, Evidence, Finished
from ragqa.errors import GenerationFailed, InvalidInput
from ragqa.evaluation.datasets import Place, read_questions
from ragqa.models.sentence_transformer import SentenceTransformerEmbedder
from ragqa.replay import replay_answer
from ragqa.store.collections import find_collection, set_answer_from
from ragqa.store.quotes import StoredQuotes
from ragqa.thresholds import Without, calibrate_collection
from ragqa.types import Answer, Token, Usage
from ragqa.wiring import build_generator

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    from fastapi.testclient import TestClient

    from ragqa.types import Message
    from ragqa.wiring import Services

PAGES = (
    "云岭茶厂说明\n云岭茶厂位于云岭县。\n云岭茶厂建于1958年，现有职工四百余人。\n云岭茶厂的主要产品是红茶和普洱茶。",
    "海河大桥\n海河大桥由李文清设计。\n海河大桥于2011年9月通车，全长2.3公里。",
)


class Says:
    """A generator that says what it is told to, so that what becomes of a draft can be followed."""

    name = "says"
    context_tokens = 2048

    def __init__(self, *pieces: str, breaks: bool = False) -> None:
        self.pieces = pieces
        self.breaks = breaks
        self.said = 0
        self.closed = False

    def count_tokens(self, text: str) -> int:
        return len(text)

    def generate(
        self, messages: Sequence[Message], *, max_tokens: int, stop: Sequence[str] = ()
    ) -> Generator[Token, None, Usage]:
        try:
            for piece in self.pieces:
                self.said += 1
                yield Token(piece)
            if self.breaks:
                raise GenerationFailed("the server went away")
        finally:
            self.closed = True
        return Usage(len(messages), self.said)


@pytest.fixture
def ready(services: Services, client: TestClient, make_pdf: Callable[..., bytes]) -> Services:
    client.post("/v1/collections", json={"name": "demo"}).raise_for_status()
    files = [("files", ("tea.pdf", make_pdf(*PAGES), "application/pdf"))]
    client.post("/v1/collections/demo/documents", files=files).raise_for_status()
    run_worker(services, until_idle=True)
    return services


def answerer(services: Services, generator: Says) -> Answerer:
    return Answerer(
        generator,
        services.embedder("hashing"),
        services.retriever("hashing"),
        StoredQuotes(services.database),
    )


def last(events: Generator[Event, None, None]) -> Answer:
    *_, finished = events
    assert isinstance(finished, Finished)
    return finished.answer


def test_evidence_comes_first_then_words_then_the_answer(ready: Services) -> None:
    says = Says("1958", "年")

    first, *words, finished = answerer(ready, says).ask("云岭茶厂建于哪一年？", "demo")

    assert isinstance(first, Evidence)
    assert "1958年" in first.answer.text
    assert words == [Token("1958"), Token("年")]
    assert isinstance(finished, Finished)
    answer = finished.answer
    assert answer.text == "1958年[1]"
    assert answer.usage.completion_tokens == 2
    assert answer.timings.first_token is not None
    (citation,) = answer.citations
    assert (citation.page, citation.filename) == (1, "tea.pdf")
    assert "1958" in citation.quote
    assert citation.boxes


def test_a_draft_that_repeats_the_question_gives_way_to_a_span_of_the_sentence(
    ready: Services, models_folder: Path
) -> None:
    embedder = SentenceTransformerEmbedder(
        "multilingual-e5-small-q4", models_folder=models_folder, offline=True
    )
    quotes = StoredQuotes(ready.database)
    asked = Answerer(Says("海河大桥"), embedder, ready.retriever("hashing"), quotes)

    answer = last(asked.ask("海河大桥由谁设计？", "demo"))

    assert answer.text == "李文清[1]"
    (citation,) = answer.citations
    assert citation.quote.endswith("海河大桥由李文清设计。")


def test_a_refusal_says_how_many_documents_are_still_being_read(
    ready: Services, client: TestClient, make_pdf: Callable[..., bytes]
) -> None:
    question = {"question": "谁是飞船的船长？", "collection": "demo"}
    before = client.post("/v1/ask", json=question).json()["refusal"]
    files = [("files", ("ship.pdf", make_pdf("飞船的船长是王小明。"), "application/pdf"))]
    client.post("/v1/collections/demo/documents", files=files).raise_for_status()

    waiting = client.post("/v1/ask", json=question).json()["refusal"]
    run_worker(ready, until_idle=True)
    read = client.post("/v1/ask", json=question).json()

    assert before["unread"] == 0
    assert waiting["unread"] == 1
    assert waiting["message"] == before["message"] + " 还有 1 个文档正在读取，读完后可以再问一次。"
    assert read["answered"]
    assert "王小明" in read["text"]


def test_every_quote_is_cut_from_the_stored_page(ready: Services, client: TestClient) -> None:
    answer = last(ready.ask("海河大桥何时通车？", "demo"))

    assert answer.citations
    for citation in answer.citations:
        url = f"/v1/documents/{citation.document_id}/pages/{citation.page}"
        assert citation.quote == citation.span.of(client.get(url).json()["text"])


def test_an_invented_year_is_flagged_and_the_documents_words_stand(ready: Services) -> None:
    answer = last(answerer(ready, Says("云岭茶厂建于1985年。")).ask("云岭茶厂建于哪一年？", "demo"))

    assert answer.answered
    assert "1985" not in answer.text
    assert "1958" in answer.text
    assert all(sentence.supported == bool(sentence.markers) for sentence in answer.sentences)


def test_a_supported_sentence_stays_beside_an_invented_one_which_carries_no_marker(
    ready: Services,
) -> None:
    says = Says("云岭茶厂建于1958年。它的年产量是9000吨。")

    answer = last(answerer(ready, says).ask("云岭茶厂建于哪一年？", "demo"))

    assert [s.supported for s in answer.sentences] == [True, False]
    assert answer.sentences[1].markers == ()
    assert answer.sentences[1].reasons
    assert "9000" not in answer.text


@pytest.mark.parametrize("marker", ["[7]", "[2]", ""])
def test_markers_of_the_model_are_checked_not_believed(ready: Services, marker: str) -> None:
    says = Says(f"云岭茶厂建于1958年{marker}。")

    answer = last(answerer(ready, says).ask("云岭茶厂建于哪一年？", "demo"))

    assert [citation.page for citation in answer.citations] == [1]
    assert answer.text.endswith("[1]")


def test_how_something_is_done_is_told_by_a_sentence_not_by_a_name(
    ready: Services, client: TestClient, make_pdf: Callable[..., bytes]
) -> None:
    told = "恢复出厂设置时，同时按住童锁键和设定键8秒。"
    files = [("files", ("manual.pdf", make_pdf(told), "application/pdf"))]
    client.post("/v1/collections/demo/documents", files=files).raise_for_status()
    run_worker(ready, until_idle=True)

    how = last(answerer(ready, Says("童锁键")).ask("怎么恢复出厂设置？", "demo"))
    which = last(answerer(ready, Says("童锁键和设定键")).ask("恢复出厂设置按住哪些键？", "demo"))

    assert how.text == f"{told}[1]"
    assert which.text == "童锁键和设定键[1]"


def test_a_generator_that_breaks_costs_only_its_own_words(ready: Services) -> None:
    says = Says("云岭", breaks=True)

    answer = last(answerer(ready, says).ask("云岭茶厂建于哪一年？", "demo"))

    assert "1958" in answer.text
    assert answer.citations


def test_closing_the_stream_stops_the_generator_at_once(ready: Services) -> None:
    says = Says(*"云岭茶厂建于1958年。")
    events = answerer(ready, says).ask("云岭茶厂建于哪一年？", "demo")

    assert isinstance(next(events), Evidence)
    assert next(events) == Token("云")
    events.close()

    assert says.closed
    assert says.said == 1


def test_what_the_documents_do_not_have_is_refused_in_the_askers_language(
    ready: Services,
) -> None:
    chinese = last(ready.ask("珠穆朗玛峰有多高？", "demo"))
    english = last(ready.ask("Who founded Oakfield Mill?", "demo"))

    for answer in (chinese, english):
        assert answer.refusal is not None
        assert answer.refusal.reason == "no_evidence"
        assert answer.citations == ()
        assert answer.text == ""
        assert answer.refusal.nearest
    assert chinese.refusal is not None
    assert "文档" in chinese.refusal.message
    assert english.refusal is not None
    assert english.refusal.message.isascii()


def test_documents_that_disagree_are_both_told_and_cited(
    ready: Services, client: TestClient, make_pdf: Callable[..., bytes]
) -> None:
    other = make_pdf("云岭茶厂简史\n云岭茶厂建于1962年，现有职工四百余人。")
    files = [("files", ("history.pdf", other, "application/pdf"))]
    client.post("/v1/collections/demo/documents", files=files).raise_for_status()
    run_worker(ready, until_idle=True)

    answer = last(answerer(ready, Says("1962年")).ask("云岭茶厂建于哪一年？", "demo"))

    assert "说法不一" in answer.text
    assert {"1958", "1962"} <= {year for year in ("1958", "1962") if year in answer.text}
    assert {citation.filename for citation in answer.citations} == {"tea.pdf", "history.pdf"}


def test_an_empty_collection_says_that_it_is_empty(services: Services) -> None:
    services.create_collection("empty")

    answer = last(services.ask("有什么？", "empty"))

    assert answer.refusal is not None
    assert answer.refusal.reason == "no_documents"


def test_a_follow_up_is_answered_about_what_it_leans_on(ready: Services) -> None:
    first = last(ready.ask("云岭茶厂建于哪一年？", "demo", conversation_id="c"))
    second = last(ready.ask("它的主要产品是什么？", "demo", conversation_id="c"))

    assert first.standalone_question is None
    assert second.standalone_question is not None
    assert "云岭茶厂" in second.standalone_question
    assert "红茶" in second.text


def test_the_default_model_answers_with_a_citation(ready: Services) -> None:
    settings = ready.settings.model_copy(update={"llm_model": "qwen2.5-coder-0.5b-instruct-q4_k_m"})
    generator = build_generator(settings)
    chain = Answerer(
        generator,
        ready.embedder("hashing"),
        ready.retriever("hashing"),
        StoredQuotes(ready.database),
    )

    answer = last(chain.ask("海河大桥是哪一年通车的？", "demo"))

    assert "2011" in answer.text
    assert [citation.page for citation in answer.citations] == [2]
    assert answer.usage.prompt_tokens > 100
    assert answer.prompt is not None


def test_a_replayed_answer_is_identical_until_something_changes(
    ready: Services, client: TestClient, make_pdf: Callable[..., bytes]
) -> None:
    *_, finished = ready.ask("云岭茶厂建于哪一年？", "demo", limit=4, use_llm=False)
    assert isinstance(finished, Finished)
    assert finished.answer.id is not None
    same = replay_answer(ready, finished.answer.id)
    assert same["identical"]
    assert same["differences"] == []
    changed = make_pdf(PAGES[0].replace("1958", "1961"), PAGES[1])
    sent = {"files": ("tea.pdf", changed)}
    client.post("/v1/collections/demo/documents", files=sent).raise_for_status()
    run_worker(ready, until_idle=True)
    other = replay_answer(ready, finished.answer.id)
    assert not other["identical"]
    told = {difference["what"]: difference["message"] for difference in other["differences"]}
    assert "was at version 1 and is at 2" in told["document"]
    assert told["answer"] == "the answer is another"
    assert "1961" in other["answer"]["text"]


def test_a_calibrated_collection_answers_only_where_it_is_sure_enough(ready: Services) -> None:
    lines: list[dict[str, object]] = [
        {"question": "云岭茶厂建于哪一年？", "answers": ["1958"]},
        {"question": "海河大桥由谁设计？", "answers": ["李文清"]},
        {"question": "海河大桥全长多少公里？", "answers": ["2.3"]},
        {"question": "云岭茶厂位于哪里？", "answers": ["云岭县"]},
        {"question": "云岭茶厂的厂长是谁？", "answerable": False},
        {"question": "海河大桥的造价是多少？", "answerable": False},
        {"question": "法国的首都是哪里？", "answerable": False},
        {"question": "怎样给水泵换密封圈？", "answerable": False},
    ]
    questions = read_questions(lines * 3)
    result = calibrate_collection(ready, "demo", questions, risk=0.0)
    assert result["risk"] == 0
    assert 0 < result["coverage"] <= 0.5
    assert [point["coverage"] for point in result["risk_coverage"]][-1] == 1
    *_, sure = ready.ask("云岭茶厂建于哪一年？", "demo", use_llm=False)
    *_, unsure = ready.ask("法国的首都是哪里？", "demo", use_llm=False)
    assert isinstance(sure, Finished)
    assert isinstance(unsure, Finished)
    assert sure.answer.answered
    assert not unsure.answer.answered
    with ready.database.transaction() as conn:
        set_answer_from(conn, find_collection(conn, "demo").id, 1.0)
    *_, never = ready.ask("云岭茶厂建于哪一年？", "demo", use_llm=False)
    assert isinstance(never, Finished)
    assert not never.answer.answered
    with pytest.raises(InvalidInput, match="questions say nothing about a risk"):
        calibrate_collection(ready, "demo", questions[:5])


def test_questions_are_made_up_from_the_documents_and_asked_without_their_page(
    ready: Services,
) -> None:
    says = Says("云岭茶厂", "建于哪一年？")
    ready.plain_generator = lambda: says  # type: ignore[method-assign]
    with pytest.raises(InvalidInput, match="4 questions"):
        calibrate_collection(ready, "demo", size=10)
    assert says.said == 4, "two passages, two pieces each"
    asked = ready.answerer(
        "hashing",
        use_llm=False,
        threshold=0.0,
        retriever=Without(ready.retriever("hashing"), Place("tea.pdf", 1)),
    )
    answer = last(asked.ask("云岭茶厂建于哪一年？", "demo", use_llm=False))
    assert answer.hits
    assert {hit.chunk.page_number for hit in answer.hits} == {2}
