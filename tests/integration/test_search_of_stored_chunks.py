"""Storing chunks and finding them again, on real Postgres."""

# Longer than 300 lines: all tests share one stored collection, which is slow to make.

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import psycopg
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pgvector.psycopg import register_vector
from psycopg.rows import dict_row
from typing_extensions import override

from ragqa.errors import Conflict, DimensionMismatch
from ragqa.models.hashing import HashingEmbedder
from ragqa.retrieval.closeness import WORTH, CloseReader
from ragqa.retrieval.context import embedded_text, lexical_text
from ragqa.retrieval.folding import squeeze
from ragqa.retrieval.hybrid import HybridRetriever, Weights
from ragqa.retrieval.lexical import analyze, hash_term
from ragqa.store import embeddings, filters, snapshot, vectors, words
from ragqa.store.chunks import (
    NewChunk,
    delete_chunks,
    ensure_embeddings_table,
    known_hashes,
    swap_chunks,
)
from ragqa.store.collections import create_collection, find_collection
from ragqa.store.db import Database, Reach
from ragqa.store.embeddings import ensure_vector_index
from ragqa.store.lexicon import add_word, remove_word
from ragqa.store.pages import NewPage, insert_pages
from ragqa.store.search import StoredChunks
from ragqa.store.vector_index import has_vector_index, keep_vector_index, measure_recall
from ragqa.types import Chunk, DocumentId, Filter, Id, Page, Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

EMBEDDER = HashingEmbedder()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


def store(
    database: Database,
    name: str,
    *texts: str,
    collection: str = "papers",
    spans: Sequence[tuple[int, int]] = (),
) -> DocumentId:
    """Put a document with one chunk a page in, as ingestion does, replacing an older version."""
    with database.transaction() as conn:
        if conn.execute("SELECT FROM collections WHERE name = %s", [collection]).rowcount == 0:
            create_collection(
                conn, collection, embedding_model=EMBEDDER.name, dimension=EMBEDDER.dimension
            )
        ensure_embeddings_table(conn, EMBEDDER.name, EMBEDDER.dimension)
        collection_id = find_collection(conn, collection).id
        row = conn.execute(
            "INSERT INTO documents (collection_id, name) VALUES (%s, %s)"
            " ON CONFLICT (collection_id, name) DO UPDATE"
            " SET newest_version = documents.newest_version + 1"
            " RETURNING document_id, newest_version + 1 AS version",
            [collection_id, name],
        ).fetchone()
        assert row is not None
        document_id = DocumentId(Id(collection_id, row["document_id"]))
        conn.execute(
            "INSERT INTO versions (collection_id, document_id, version, sha256, bytes)"
            " VALUES (%s, %s, %s, %s, 1)",
            [collection_id, row["document_id"], row["version"], "0" * 64],
        )
        pages = [page(number, text) for number, text in enumerate(texts, start=1)]
        insert_pages(conn, document_id, row["version"], [NewPage(str(p.number), p) for p in pages])
        swap_chunks(
            conn, document_id, row["version"], new_chunks(name, pages, spans), model=EMBEDDER.name
        )
        conn.execute(
            "UPDATE documents SET current_version = %s WHERE document_id = %s",
            [row["version"], row["document_id"]],
        )
    return document_id


def page(number: int, text: str) -> Page:
    boxes = np.array([[10 + 6 * i, 20, 15 + 6 * i, 30] for i in range(len(text))], np.float32)
    return Page(number, 600, 800, "text", text, boxes.reshape(-1, 4))


def new_chunks(
    name: str, pages: list[Page], spans: Sequence[tuple[int, int]] = ()
) -> list[NewChunk]:
    """Make chunks: of each page the given ranges, or all of it."""
    chunks = [
        Chunk(p.number, Span(start, end), p.text[start:end])
        for p in pages
        for start, end in (spans or [(0, len(p.text))])
    ]
    vectors = EMBEDDER.embed_passages([embedded_text(name, chunk) for chunk in chunks])
    return [
        NewChunk(
            ordinal,
            chunk,
            hashlib.sha256(embedded_text(name, chunk).encode()).digest(),
            [hash_term(term) for term in analyze(lexical_text(name, chunk))],
            vector,
        )
        for ordinal, (chunk, vector) in enumerate(zip(chunks, vectors, strict=True))
    ]


def statistics(database: Database) -> tuple[dict[int, int], list[dict[str, Any]]]:
    with database.transaction() as conn:
        terms = conn.execute("SELECT term, df FROM term_stats").fetchall()
        totals = conn.execute("SELECT chunks, terms FROM collection_stats").fetchall()
    return {row["term"]: row["df"] for row in terms}, totals


def written_words(database: Database) -> dict[str, int]:
    with database.transaction() as conn:
        rows = conn.execute("SELECT word, chunks FROM words").fetchall()
    return {row["word"]: row["chunks"] for row in rows}


def recomputed(database: Database) -> tuple[dict[int, int], list[dict[str, Any]]]:
    with database.transaction() as conn:
        bags = [row["terms"] for row in conn.execute("SELECT terms FROM chunks")]
    df = Counter(term for bag in bags for term in set(bag))
    return dict(df), [{"chunks": len(bags), "terms": sum(len(bag) for bag in bags)}]


def search(database: Database, question: str, limit: int = 10, only: Filter | None = None) -> Any:
    retriever = HybridRetriever(StoredChunks(database), EMBEDDER)
    return retriever.retrieve(question, "papers", limit=limit, only=only)


def test_a_question_finds_the_page_that_answers_it(database: Database) -> None:
    store(database, "donkeys.txt", "印度野驴栖息在南亚，最高每小时可跑70公里。", "它们吃草。")
    store(database, "rivers.txt", "长江是亚洲最长的河流。", "黄河流经九个省区。")
    hits = search(database, "印度野驴最高每小时可跑多少公里？")
    assert (hits[0].filename, hits[0].chunk.page_number) == ("donkeys.txt", 1)
    assert {stage for stage, _, _ in hits[0].stages} >= {"lexical", "dense"}
    assert hits[0].boxes[0].page == 1


def test_two_pages_that_come_out_alike_are_told_apart_by_reading_them(database: Database) -> None:
    store(database, "a.txt", "Ann made one lamp.", "May made one lamp.", "Tea")
    asked: list[str] = []

    def read(_: str, texts: Sequence[str]) -> list[float]:
        asked.extend(texts)
        return [-9.0, 9.0]

    first, second = search(database, "lamp made", limit=2)
    assert first.score - second.score < WORTH
    reader = CloseReader(read, most_chunks=3)
    retriever = HybridRetriever(StoredChunks(database), EMBEDDER, reader=reader)
    explained = retriever.explain("lamp made", "papers", limit=1)
    assert asked == [first.chunk.text, second.chunk.text]
    assert explained.hits[0].chunk == second.chunk
    assert ("reader", 1) in {(stage, rank) for stage, rank, _ in explained.hits[0].stages}
    assert "reader" in {stage.name for stage in explained.stages}


def test_of_a_collection_with_too_many_chunks_nothing_is_read(database: Database) -> None:
    store(database, "a.txt", "Ann made one lamp.", "May made one lamp.", "Tea")
    reader = CloseReader(lambda *_: [-9.0, 9.0], most_chunks=2)
    retriever = HybridRetriever(StoredChunks(database), EMBEDDER, reader=reader)
    assert retriever.retrieve("lamp made", "papers", limit=2) == search(database, "lamp made", 2)


def test_a_short_name_counts_more_than_a_phrase_that_many_pages_have(database: Database) -> None:
    store(database, "a.txt", "此书是他的代表作。", "小说是她的代表作。", "此片是他的代表作。")
    store(database, "b.txt", "钟惺是明代人，有文集。", "青苹果和红苹果。", "水质差，更换滤芯。")
    by_words = HybridRetriever(StoredChunks(database), EMBEDDER, weights=Weights(dense=0.0))
    hits = by_words.retrieve("钟惺有哪些代表作？", "papers", limit=3)
    assert hits[0].chunk.text.startswith("钟惺")


def test_a_rare_name_comes_before_a_text_about_what_is_asked_of_it(database: Database) -> None:
    store(
        database,
        "a.txt",
        "栏杆下伸出一石螭头，用于坛面排水。",
        "额肌的主要功能在于提起眉毛。",
        *(f"{part}有主要的一种功能。" for part in ("肝脏", "肾脏", "脾脏", "心脏", "肺叶", "肠道")),
    )
    half_dense = HybridRetriever(StoredChunks(database), EMBEDDER, weights=Weights(dense=0.3))
    hits = half_dense.retrieve("螭头主要有何功能？", "papers", limit=3)
    assert "螭头" in hits[0].chunk.text


def test_the_row_of_a_code_comes_before_rows_that_only_speak_like_the_question(
    database: Database,
) -> None:
    store(
        database,
        "manual.txt",
        "显示屏上交替显示水质与水温。显示水质时不要取水。",
        "屏幕显示冲洗，同时按住两个键。",
        "代码与处理。E04 断路，断电，联系服务商。E05 过热，断开电源，联系服务商除垢。"
        "E06 水位低，补水后重启。E07 水质差，停止饮用，更换滤芯。",
    )
    assert search(database, "屏幕上显示 E07 是什么意思？")[0].chunk.page_number == 3


def test_statistics_kept_step_by_step_equal_statistics_computed_anew(database: Database) -> None:
    first = store(database, "a.txt", "red apples and green apples", "青苹果和红苹果")
    store(database, "b.txt", "green grass grows")
    store(database, "a.txt", "red apples only", "green leaves", "third page")
    assert statistics(database) == recomputed(database)
    with database.transaction() as conn:
        delete_chunks(conn, first)
    assert statistics(database) == recomputed(database)


def test_a_deleted_document_leaves_no_chunk_no_vector_and_no_text(database: Database) -> None:
    document_id = store(database, "a.txt", "the secret word is xylophone")
    with database.transaction() as conn:
        assert known_hashes(conn, document_id, EMBEDDER.name)
        delete_chunks(conn, document_id)
        assert not known_hashes(conn, document_id, EMBEDDER.name)
        left = conn.execute("SELECT count(*) AS n FROM page_texts").fetchone()
    assert left == {"n": 0}
    assert search(database, "xylophone") == []


def test_a_filter_shows_only_what_it_allows(database: Database) -> None:
    one = store(database, "a.txt", "apples are red", "apples are sweet")
    store(database, "b.txt", "apples are green")
    only = Filter(documents=(one,), pages=(2, 2))
    assert [(h.filename, h.chunk.page_number) for h in search(database, "apples", only=only)] == [
        ("a.txt", 2)
    ]
    assert search(database, "apples", only=Filter(kind="table")) == []


def test_width_case_and_tradition_make_no_difference(database: Database) -> None:
    store(database, "a.txt", "韓國的文人政府時代在１９９３年開始，ＧＤＰ增長。")
    store(database, "b.txt", "日本的武士时代在十二世纪开始。")
    for question in ("韩国文人政府时代", "gdp", "1993"):
        assert search(database, question)[0].filename == "a.txt"


WORDS = ("印度野驴", "最高时速", "ＧＤＰ", "red apples", "3.14%", "a_b", "\\n", "韓國", "the", "，")


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    texts=st.lists(
        st.lists(st.sampled_from(WORDS), min_size=2, max_size=30), min_size=1, max_size=6
    ),
    data=st.data(),
)
def test_any_piece_of_a_document_finds_it(
    database: Database, texts: list[list[str]], data: st.DataObject
) -> None:
    pages = {f"{n}.txt": " ".join(words) for n, words in enumerate(texts)}
    name = data.draw(st.sampled_from(sorted(pages)))
    start = data.draw(st.integers(0, len(pages[name]) - 2))
    piece = pages[name][start : start + data.draw(st.integers(2, 25))]
    assume(len(squeeze(piece)) >= 2)
    with database.transaction() as conn:
        conn.execute("DELETE FROM collections")
    for file, text in pages.items():
        store(database, file, text)
    assert name in {hit.filename for hit in search(database, piece, 50)}


def test_a_piece_that_runs_over_two_chunks_finds_both(database: Database) -> None:
    text = "长江是亚洲最长的河流。黄河流经九个省区。"
    store(database, "rivers.txt", text, spans=[(0, 11), (11, 20)])
    found = [hit.chunk.text for hit in search(database, "河流。\n黄河", 2)]
    assert sorted(found) == sorted([text[:11], text[11:]])


def test_what_stands_there_to_the_letter_comes_before_what_only_folds_to_it(
    database: Database,
) -> None:
    for n in range(60):
        store(database, f"lower{n}.txt", "the word is abcdef here")
    store(database, "upper.txt", "the word is ABCDEF here")
    assert "upper.txt" in {hit.filename for hit in search(database, "ABCDEF", 50)}


def test_a_large_collection_is_searched_by_its_own_index(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(40):
        store(database, f"{n}.txt", f"document number {n} speaks of topic{n % 7}")
    store(database, "other.txt", "document number 3 speaks of topic3", collection="others")
    exact = [hit.chunk_id for hit in search(database, "topic3", 10)]
    monkeypatch.setattr(vectors, "EXACT_BELOW", 10)
    with psycopg.connect(database.conninfo, autocommit=True, row_factory=dict_row) as conn:
        register_vector(conn)
        found = find_collection(conn, "papers")
        table = ensure_embeddings_table(conn, EMBEDDER.name, EMBEDDER.dimension)
        ensure_vector_index(conn, table, found.id)
        ensure_vector_index(conn, table, found.id)
    assert [hit.chunk_id for hit in search(database, "topic3", 10)] == exact
    only = Filter(pages=(1, 1))
    monkeypatch.setattr(filters, "FEW", 5)
    assert [hit.chunk_id for hit in search(database, "topic3", 10, only)] == exact


@pytest.mark.parametrize("most_connections", [1, 4])
def test_a_second_connection_sees_what_the_first_one_sees(
    database: Database, monkeypatch: pytest.MonkeyPatch, most_connections: int
) -> None:
    monkeypatch.setattr(snapshot, "BESIDE_FROM", 0)
    document_id = store(database, "a.txt", "apples are red", "pears are green")
    (vector,) = EMBEDDER.embed_passages(["apples are red"])
    few = Database(database.conninfo, max_size=most_connections)
    try:
        with ExitStack() as all_of_them:
            for _ in range(most_connections):
                all_of_them.enter_context(few.transaction())
        own = Reach("ragqa_reader", (document_id.collection_id,))
        for reach in (few, few.within(own)):
            with StoredChunks(reach).open(["papers"], model=EMBEDDER.name) as (seen,):
                assert (seen.beside.borrow(seen.conn) is None) == (most_connections == 1)
                found = seen.begin_dense(vector, limit=5)
                store(database, "a.txt", "cherries are dark")
                again = seen.begin_dense(vector, limit=5)
                before = [scored.chunk_id for scored in found()]
                assert before == [scored.chunk_id for scored in again()]
                assert [hit.text for hit in seen.places(before).values()] == [
                    "apples are red",
                    "pears are green",
                ]
            store(database, "a.txt", "apples are red", "pears are green")
    finally:
        few.close()


def test_a_chunk_with_several_common_terms_is_found_among_many_with_one(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [f"{'total' if n % 2 else 'fair'} number {n}" for n in range(60)]
    store(database, "many.txt", *texts[:30], "the total fair value", *texts[30:])
    monkeypatch.setattr(words, "ALONE", 2)
    monkeypatch.setattr(words, "TOGETHER", 50)
    with StoredChunks(database).open(["papers"], model=EMBEDDER.name) as (seen,):
        counts = {hash_term(term): 1.0 for term in analyze("total fair number")}
        (best, *_) = seen.lexical(counts, limit=3)
        assert seen.places([best.chunk_id])[best.chunk_id].text == "the total fair value"


def test_a_model_that_a_collection_was_not_embedded_with_is_refused(database: Database) -> None:
    store(database, "a.txt", "apples")
    retriever = HybridRetriever(StoredChunks(database), HashingEmbedder(64))
    with pytest.raises(Conflict, match="no vectors of 'hashing-64'"):
        retriever.retrieve("apples", "papers", limit=5)


def test_an_unchanged_text_keeps_its_vector(database: Database) -> None:
    document_id = store(database, "a.txt", "the same text")
    with database.transaction() as conn:
        known = known_hashes(conn, document_id, EMBEDDER.name)
        (new,) = new_chunks("a.txt", [page(1, "the same text")])
        assert known == {new.embedded_hash}
        swap_chunks(conn, document_id, 1, [replace(new, embedding=None)], model=EMBEDDER.name)
    assert "dense" in {stage for stage, _, _ in search(database, "same text")[0].stages}
    other = replace(new, embedding=None, embedded_hash=b"unknown")
    with database.transaction() as conn, pytest.raises(Conflict, match="has no vector"):
        swap_chunks(conn, document_id, 1, [other], model=EMBEDDER.name)


def test_a_vector_of_the_wrong_length_is_refused(database: Database) -> None:
    document_id = store(database, "a.txt", "text")
    (new,) = new_chunks("a.txt", [page(1, "text")])
    short = replace(new, embedding=np.ones(3, np.float32))
    with database.transaction() as conn, pytest.raises(DimensionMismatch):
        swap_chunks(conn, document_id, 1, [short], model=EMBEDDER.name)


def test_a_collection_that_has_grown_large_gets_its_index_and_searches_by_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(30):
        store(database, f"{n}.txt", f"document number {n} speaks of topic{n % 7}")
    with database.transaction() as conn:
        found = find_collection(conn, "papers")
    assert not keep_vector_index(database, found.id, EMBEDDER.name)
    monkeypatch.setattr(embeddings, "EXACT_BELOW", 10)
    monkeypatch.setattr(vectors, "EXACT_BELOW", 10)
    assert keep_vector_index(database, found.id, EMBEDDER.name)
    assert not keep_vector_index(database, found.id, EMBEDDER.name)
    with database.transaction() as conn:
        assert has_vector_index(conn, found.id, EMBEDDER.name)
    with StoredChunks(database).open(["papers"], model=EMBEDDER.name) as (snapshot,):
        # More than the breadth of the search, of which a filter lets a part through.
        monkeypatch.setattr(vectors, "EF_SEARCH", 5)
        monkeypatch.setattr(filters, "FEW", 3)
        only = Filter(pages=(1, 1), kind="text")
        vector = EMBEDDER.embed_query("topic3")
        assert len(snapshot.dense(vector, limit=5, only=only)) == 5
        shown = snapshot.conn.execute("SHOW hnsw.iterative_scan").fetchone()
        assert shown == {"hnsw.iterative_scan": "relaxed_order"}


def test_a_collection_that_has_shrunk_is_searched_exactly_though_its_index_is_left(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(60):
        store(database, f"{number}.txt", f"topic{number} and words about topic{number}")
    with database.transaction() as conn:
        found = find_collection(conn, "papers")
    monkeypatch.setattr(embeddings, "EXACT_BELOW", 10)
    assert keep_vector_index(database, found.id, EMBEDDER.name)
    # Nothing but the index would be cut off there.
    monkeypatch.setattr(vectors, "EF_SEARCH", 5)
    with StoredChunks(database).open(["papers"], model=EMBEDDER.name) as (snapshot,):
        snapshot.conn.execute("SET LOCAL hnsw.ef_search = 5")
        assert len(snapshot.dense(EMBEDDER.embed_query("topic3"), limit=50)) == 50


def test_the_recall_of_an_index_is_measured_against_comparing_every_vector(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(60):
        store(database, f"{number}.txt", f"topic{number} and words about topic{number}")
    monkeypatch.setattr(embeddings, "EXACT_BELOW", 10)
    with database.transaction() as conn:
        found = find_collection(conn, "papers")
        assert measure_recall(conn, found.id, EMBEDDER.name) is None
    assert keep_vector_index(database, found.id, EMBEDDER.name)
    with database.transaction() as conn:
        assert measure_recall(conn, found.id, EMBEDDER.name) == 1.0


def test_several_collections_are_searched_as_one(database: Database) -> None:
    store(database, "a.txt", "red apples grow on trees")
    store(database, "b.txt", "green pears grow on trees", collection="pears")
    retriever = HybridRetriever(StoredChunks(database), EMBEDDER)
    hits = retriever.retrieve("green pears", ["papers", "pears"], limit=5)
    assert [hit.filename for hit in hits] == ["b.txt", "a.txt"]


def test_metadata_and_dates_choose_the_documents(database: Database) -> None:
    store(database, "a.txt", "apples are red")
    store(database, "b.txt", "apples are green")
    with database.transaction() as conn:
        conn.execute(
            "UPDATE documents SET metadata = '{\"year\": \"2022\"}', created_at = '2022-05-01Z'"
            " WHERE name = 'b.txt'"
        )
    day = dt.datetime(2022, 6, 1, tzinfo=dt.UTC)
    by_year, none = Filter(metadata=(("year", "2022"),)), Filter(metadata=(("year", "1999"),))
    assert [h.filename for h in search(database, "apples", only=by_year)] == ["b.txt"]
    assert search(database, "apples", only=none) == []
    assert [h.filename for h in search(database, "apples", only=Filter(until=day))] == ["b.txt"]
    assert [h.filename for h in search(database, "apples", only=Filter(since=day))] == ["a.txt"]


def test_a_word_that_a_collection_was_taught_counts_from_the_next_question_on(
    database: Database,
) -> None:
    store(database, "a.txt", "云栖大会在杭州举行。")
    retriever = HybridRetriever(StoredChunks(database), EMBEDDER)

    def told() -> dict[str, float]:
        explained = retriever.explain("云栖大会时间", "papers", limit=1)
        return {term.text: term.times for term in explained.terms}

    assert told()["会时"] == 1
    with database.transaction() as conn:
        add_word(conn, find_collection(conn, "papers").id, "云栖大会")
    assert "会时" not in told()
    assert told()["云栖"] == 2
    with database.transaction() as conn:
        remove_word(conn, find_collection(conn, "papers").id, "云栖大会")
    assert told()["云栖"] == 1


def test_an_explanation_tells_terms_stages_and_what_hit(database: Database) -> None:
    store(database, "rivers.txt", "the longest river of asia")
    store(database, "lakes.txt", "a lake is not a river")
    explained = HybridRetriever(StoredChunks(database), EMBEDDER).explain(
        "Which is the longest river?", "papers", limit=2
    )
    assert {term.text: term.chunks for term in explained.terms} == {"longest": 1, "river": 2}
    assert explained.matched == (("longest", "river"), ("river",))
    assert {stage.name for stage in explained.stages} >= {"lexical", "dense", "verbatim", "fusion"}
    assert sum(stage.milliseconds for stage in explained.stages) <= explained.milliseconds
    assert list(explained.hits) == search(database, "Which is the longest river?", 2)


def test_a_question_for_a_ratio_finds_the_balance_sheet_of_the_company_it_names(
    database: Database,
) -> None:
    def sheet(company: str) -> str:
        return (
            f"{company} Consolidated Balance Sheets, December 31, 2022. Cash and cash"
            " equivalents 1. Accounts receivable, net 2. Total current assets 3. Property and"
            " equipment, net 4. Total assets 5. Accounts payable 6. Total current liabilities 7."
            " Long-term debt 8. Total liabilities 9. Retained earnings 10. Total stockholders'"
            " equity 11."
        )

    talk = "We are proud of the ratio of staff to stores, and of the healthy food they sell."
    for company in ("NORTHWIND", "CONTOSO"):
        store(database, f"{company}_2022_10K.pdf", talk, sheet(company), "Stores are open late.")
    explained = HybridRetriever(StoredChunks(database), EMBEDDER).explain(
        "Does Contoso have a healthy quick ratio as of FY2022?", "papers", limit=5
    )
    first = explained.hits[0]
    assert (first.filename, first.chunk.page_number) == ("CONTOSO_2022_10K.pdf", 2)
    assert "statements" in {stage.name for stage in explained.stages}
    assert ("statements", 1) in {(name, rank) for name, rank, _ in first.stages}


def test_words_are_counted_as_they_are_written_and_forgotten_with_the_last_chunk(
    database: Database,
) -> None:
    store(database, "a.pdf", "Boeing's revenue, naïveté", "revenue of Boeing 737s")
    second = store(database, "BESTBUY_2023.pdf", "Revenue")
    assert written_words(database) == {"boeing": 2, "revenue": 3, "bestbuy": 1}
    store(database, "a.pdf", "margins")
    assert written_words(database) == {"margins": 1, "revenue": 1, "bestbuy": 1}
    with database.transaction() as conn:
        delete_chunks(conn, second)
    assert written_words(database) == {"margins": 1}


class PiecewiseEmbedder(HashingEmbedder):
    """Knows one word as a whole, and reads all others in pieces, as trained models do."""

    @override
    def count_tokens(self, text: str) -> int:
        return 1 if text == "deprecation" else 2


def test_a_misspelt_word_or_name_is_taken_for_the_one_it_must_mean(database: Database) -> None:
    store(database, "BOEING_2022.pdf", "Deliveries rose.", "Depreciation fell.")
    store(database, "AIRBUS_2022.pdf", "Deliveries fell.", "Depreciation rose.")
    retriever = HybridRetriever(StoredChunks(database), PiecewiseEmbedder())
    explained = retriever.explain("depreication of Boieng", "papers", limit=4)
    assert dict(explained.respelt) == {"depreication": "depreciation", "boieng": "boeing"}
    first = explained.hits[0]
    assert (first.filename, first.chunk.page_number) == ("BOEING_2022.pdf", 2)
    assert [named.filename for named in explained.named] == ["BOEING_2022.pdf"]


def test_a_word_that_the_model_knows_is_never_misspelt(database: Database) -> None:
    store(database, "a.pdf", "Depreciation fell.")
    retriever = HybridRetriever(StoredChunks(database), PiecewiseEmbedder())
    assert retriever.explain("deprecation", "papers", limit=1).respelt == ()


def test_a_word_that_stands_in_the_collection_is_never_misspelt(database: Database) -> None:
    store(database, "a.pdf", *["boeing"] * 9, "boieng")
    retriever = HybridRetriever(StoredChunks(database), PiecewiseEmbedder())
    explained = retriever.explain("boieng", "papers", limit=1)
    assert explained.respelt == ()
    assert explained.hits[0].chunk.page_number == 10
