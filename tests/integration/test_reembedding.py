"""A collection changes its embedding model: searched all the time, finished whatever interrupts."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ingest.reembedding import reembed
from ingest.worker import MAY_HEAL, run_worker
from ragqa.errors import Conflict, NotFound, StoreError
from ragqa.store import reembedding
from ragqa.store.chunks import swap_chunks
from ragqa.store.collections import find_collection
from ragqa.store.documents import find_document, list_documents
from ragqa.store.embeddings import find_embeddings_table
from ragqa.store.intake import take_in

if TYPE_CHECKING:
    from ragqa.types import Document
    from ragqa.wiring import Services
    from tests.conftest import MakePdf

E5 = "multilingual-e5-small-q4"
PAGES = (
    "The warranty of the pump lasts 24 months.",
    "海河大桥全长2.3公里，2011年9月通车。",
    "Filters are changed every 500 hours.",
)


def take(services: Services, name: str, content: bytes) -> Document:
    with services.database.transaction() as conn:
        collection = find_collection(conn, "papers")
    added = take_in(services.database, services.files, collection, name, io.BytesIO(content))
    run_worker(services, until_idle=True)
    with services.database.transaction() as conn:
        return find_document(conn, added.document.id)


def found(services: Services, question: str) -> list[str]:
    return [hit.chunk.text for hit in services.retrieve(question, "papers", limit=5)]


def stored(services: Services, model: str) -> dict[bytes, Any]:
    """Return the vectors that the collection has of a model, by what was embedded."""
    with services.database.transaction() as conn:
        number = find_collection(conn, "papers").id
        table = find_embeddings_table(conn, services.embedder(model).name)
        if table is None:
            return {}
        rows = conn.execute(
            "SELECT embedded_hash, embedding FROM chunks"
            f" JOIN {table.name} USING (collection_id, chunk_id) WHERE collection_id = %s",
            [number],
        )
        return {bytes(row["embedded_hash"]): row["embedding"].to_numpy() for row in rows}


@pytest.fixture
def kept(services: Services, make_pdf: MakePdf) -> Services:
    services.create_collection("papers")
    assert take(services, "a.pdf", make_pdf(*PAGES)).status == "ready"
    assert take(services, "b.pdf", make_pdf("Wire transfers take two days.")).status == "ready"
    return services


def test_a_collection_is_searched_by_its_former_vectors_until_the_others_are_there(
    kept: Services, make_pdf: MakePdf
) -> None:
    before = stored(kept, "hashing")
    seen: list[tuple[int, int]] = []

    def look(done: int, of: int) -> None:
        seen.append((done, of))
        assert PAGES[0] in found(kept, "How long is the pump under warranty?")

    assert reembed(kept, "papers", E5, report=look, grace=0) == len(before) == 4
    assert seen[-1] == (4, 4)
    assert stored(kept, "hashing") == {}
    after = stored(kept, E5)
    assert after.keys() == before.keys()
    with kept.database.transaction() as conn:
        changed = find_collection(conn, "papers")
    assert (changed.embedding_model, changed.dimension) == (E5, 384)
    assert found(kept, "How long is the pump under warranty?")[0] == PAGES[0]

    # What is embedded of a passage is what a file read now has: the same vectors.
    assert take(kept, "a.pdf", make_pdf(*PAGES, "One page more.")).status == "ready"
    again = stored(kept, E5)
    assert len(again) == 5
    assert all(np.allclose(again[key], after[key], atol=2e-3) for key in after)
    assert reembed(kept, "papers", E5, grace=0) == 0


def test_what_was_made_before_an_interruption_is_not_made_again(kept: Services) -> None:
    def stop(done: int, of: int) -> None:
        raise KeyboardInterrupt(f"{done} of {of}")

    with pytest.raises(KeyboardInterrupt, match="3 of 4"):
        reembed(kept, "papers", E5, report=stop, grace=0)
    assert found(kept, "How long is the pump under warranty?")[0] == PAGES[0]
    assert reembed(kept, "papers", E5, grace=0) == 1
    assert len(stored(kept, E5)) == 4


def test_what_was_left_after_the_change_is_cleared_away_by_the_next_call(
    kept: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ingest.reembedding.sleep", stop)
    with pytest.raises(KeyboardInterrupt):
        reembed(kept, "papers", E5)
    monkeypatch.undo()
    assert found(kept, "How long is the pump under warranty?")[0] == PAGES[0]
    assert len(stored(kept, "hashing")) == 4
    assert reembed(kept, "papers", E5, grace=0) == 0
    assert stored(kept, "hashing") == {}


def test_weights_that_are_gone_are_replaced_all_the_same(kept: Services) -> None:
    with kept.database.transaction() as conn:
        conn.execute("UPDATE collections SET embedding_model = '/no/such/folder'")
    assert reembed(kept, "papers", E5, grace=0) == 4
    assert found(kept, "How long is the pump under warranty?")[0] == PAGES[0]


def test_a_file_that_was_read_for_the_former_model_is_tried_again(kept: Services) -> None:
    reembed(kept, "papers", E5, grace=0)
    former = kept.embedder("hashing").name
    with kept.database.transaction() as conn:
        (document, *_), _ = list_documents(conn, find_collection(conn, "papers").id)
    with (
        pytest.raises(StoreError, match="vectors of another model"),
        kept.database.transaction() as conn,
    ):
        swap_chunks(conn, document.id, 1, [], model=former)
    assert issubclass(StoreError, MAY_HEAL)
    assert len(stored(kept, E5)) == 4


def test_a_model_whose_weights_have_changed_makes_its_vectors_anew(kept: Services) -> None:
    with kept.database.transaction() as conn:
        table = find_embeddings_table(conn, "hashing")
        assert table is not None
        conn.execute(f"ALTER TABLE {table.name} RENAME TO embeddings_before")
        conn.execute("UPDATE embedding_models SET name = 'before', table_key = 'before'")
    with pytest.raises(Conflict, match="ragqa reembed papers"):
        found(kept, "How long is the pump under warranty?")
    assert reembed(kept, "papers", "hashing", grace=0) == 4
    assert found(kept, "How long is the pump under warranty?")[0] == PAGES[0]
    with kept.database.transaction() as conn:
        assert conn.execute("SELECT FROM embeddings_before").fetchall() == []


def test_passages_that_appear_meanwhile_get_their_vectors_too(
    kept: Services, make_pdf: MakePdf, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, late = reembedding.bind_collection, []

    def bind(*given: Any) -> None:
        real(*given)
        late.append(given)

    monkeypatch.setattr("ingest.reembedding.store.bind_collection", bind)
    monkeypatch.setattr(
        "ingest.reembedding.sleep",
        lambda _: take(kept, "c.pdf", make_pdf("Read while the model changed.")),
    )
    reembed(kept, "papers", E5)
    assert late
    assert len(stored(kept, E5)) == 5
    assert found(kept, "what was read while the model changed")[0].startswith("Read while")


def test_a_collection_that_is_not_there_is_named(services: Services) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        reembed(services, "nowhere", E5)
