"""A worker with a few documents in hand: the stages overlap, and neither is doubled."""

from __future__ import annotations

import io
import threading
import time
from typing import TYPE_CHECKING

import pytest
from typing_extensions import override

from ingest.turns import Turn, Turns
from ingest.types import MANY_PAGES
from ingest.worker import run_worker
from ragqa.errors import Cancelled
from ragqa.models.hashing import HashingEmbedder
from ragqa.store.documents import find_document
from ragqa.store.intake import take_in
from ragqa.wiring import Services

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from ragqa.ports import Embedder

    MakePdf = Callable[..., bytes]


def lend(services: Services, embedder: Embedder) -> Services:
    """Return the same services with another embedder."""

    class Lent(Services):
        @override
        def embedder(self, model: str | None = None) -> Embedder:
            return embedder

    return Lent(services.settings, services.database, services.files)


class Patient(HashingEmbedder):
    """Does not embed before every page of all documents is read, unless that takes too long."""

    def __init__(self, services: Services, pages: int) -> None:
        super().__init__()
        self._services, self._pages = services, pages
        self.saw = 0
        self.at_once = self.most_at_once = 0

    @override
    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        deadline = time.monotonic() + 20
        while self.saw < self._pages and time.monotonic() < deadline:
            time.sleep(0.05)
            with self._services.database.transaction() as conn:
                row = conn.execute("SELECT count(*) AS pages FROM page_reads").fetchone()
            assert row is not None
            self.saw = row["pages"]
        vectors = super().embed_passages(texts)
        time.sleep(0.01)
        self.at_once -= 1
        return vectors


def test_the_next_document_is_read_while_one_is_embedded(
    services: Services, make_pdf: MakePdf
) -> None:
    collection = services.create_collection("papers")
    embedder = Patient(services, pages=5)

    added = [
        take_in(services.database, services.files, collection, f"{pages}.pdf", io.BytesIO(data))
        for pages in (2, 3)
        for data in [make_pdf(*(f"Page {n} of {pages}." for n in range(pages)))]
    ]
    run_worker(lend(services, embedder), concurrency=2, until_idle=True)

    assert embedder.saw == 5
    assert embedder.most_at_once <= Turns().embedding.places
    with services.database.transaction() as conn:
        found = [find_document(conn, one.document.id) for one in added]
    assert [(one.status, one.pages) for one in found] == [("ready", 2), ("ready", 3)]


class Meeting(HashingEmbedder):
    """Its first calls wait for each other, as many as there are places; any may fail."""

    def __init__(self, *, failing: bool = False) -> None:
        super().__init__()
        self.calls = 0
        self._together = threading.Barrier(Turns().embedding.places)
        self._counting = threading.Lock()
        self._failing = failing

    @override
    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        with self._counting:
            self.calls += 1
            first = self.calls <= self._together.parties
        if first:
            self._together.wait(20)
        if self._failing:
            raise ValueError("no vectors today")
        return super().embed_passages(texts)


@pytest.mark.parametrize("failing", [False, True])
def test_one_document_keeps_every_place_of_the_model_busy(
    services: Services, make_pdf: MakePdf, *, failing: bool
) -> None:
    collection = services.create_collection("papers")
    embedder = Meeting(failing=failing)

    data = make_pdf(*(f"Page {n} has its own sentence." for n in range(150)))
    added = take_in(services.database, services.files, collection, "one.pdf", io.BytesIO(data))
    run_worker(lend(services, embedder), concurrency=2, until_idle=True)

    with services.database.transaction() as conn:
        found = find_document(conn, added.document.id)
    assert (found.status, found.chunks) == (("failed", 0) if failing else ("ready", 150))
    assert "no vectors today" in (found.error.message if found.error else "no vectors today")
    assert embedder.calls == Turns().embedding.places if failing else embedder.calls >= 10


def test_passages_of_a_long_document_are_embedded_by_one_call_at_a_time(
    services: Services, make_pdf: MakePdf
) -> None:
    collection = services.create_collection("papers")
    embedder = Patient(services, pages=0)

    data = make_pdf(*(f"Page {n} has its own sentence." for n in range(MANY_PAGES)))
    take_in(services.database, services.files, collection, "long.pdf", io.BytesIO(data))
    run_worker(lend(services, embedder), until_idle=True)

    assert embedder.most_at_once == 1


def test_two_long_documents_are_in_hand_and_short_ones_beside_them(
    services: Services, make_pdf: MakePdf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.pipeline.MANY_PAGES", 2)
    collection = services.create_collection("papers")
    embedder = Patient(services, pages=2 + 3 + 1)

    for pages in (2, 3, 4, 1):
        data = make_pdf(*(f"Page {n} of {pages}." for n in range(pages)))
        name = f"{pages}.pdf"
        take_in(services.database, services.files, collection, name, io.BytesIO(data))
    run_worker(lend(services, embedder), concurrency=4, until_idle=True)

    assert embedder.saw == 2 + 3 + 1
    with services.database.transaction() as conn:
        row = conn.execute("SELECT count(*) AS served FROM versions WHERE status = 'ready'")
        assert row.fetchone() == {"served": 4}


def test_as_many_hold_a_turn_as_it_has_places() -> None:
    turn, third = Turn(2), threading.Event()

    def wait() -> None:
        with turn.taken(lambda: None):
            third.set()

    with turn.taken(lambda: None):
        with turn.taken(lambda: None):
            waiting = threading.Thread(target=wait)
            waiting.start()
            assert not third.wait(0.3)
        assert third.wait(5)
    waiting.join(5)


def test_turns_are_taken_in_order_and_a_cancelled_wait_lets_the_next_one_through() -> None:
    turn, order = Turn(), []

    def stop() -> None:
        raise Cancelled("no longer wanted")

    def wait(name: str) -> None:
        with turn.taken(lambda: None):
            order.append(name)

    with turn.taken(lambda: None):
        first = threading.Thread(target=wait, args=("first",))
        first.start()
        time.sleep(0.1)
        begun = time.monotonic()
        with pytest.raises(Cancelled), turn.taken(stop):
            order.append("cancelled")
        assert time.monotonic() - begun < 2
        second = threading.Thread(target=wait, args=("second",))
        second.start()
        time.sleep(0.1)
        assert order == []
    first.join(5)
    second.join(5)
    assert order == ["first", "second"]


def served(needed: dict[str, int]) -> str:
    """Return who holds a turn time after time, when all wait and need it so often."""
    turn, order = Turn(), []

    def work(name: str, times: int) -> None:
        for left in reversed(range(times)):
            with turn.taken(lambda: None, left=left):
                order.append(name)
                time.sleep(0.02)

    threads = [threading.Thread(target=work, args=item) for item in needed.items()]
    with turn.taken(lambda: None):
        for thread in threads:
            thread.start()
            time.sleep(0.05)
    for thread in threads:
        thread.join(20)
    return "".join(order)


def test_who_needs_it_less_often_is_done_first() -> None:
    assert served({"a": 6, "b": 3}) == "bbbaaaaaa"
    assert served({"a": 3, "b": 3}) == "aaabbb"


def test_nobody_waits_for_ever_because_others_need_it_less_often() -> None:
    turn, order, ended = Turn(), [], threading.Event()

    def short() -> None:
        while not ended.is_set():
            with turn.taken(lambda: None):
                order.append("short")

    with turn.taken(lambda: None):
        threads = [threading.Thread(target=short) for _ in range(2)]
        for thread in threads:
            thread.start()
        time.sleep(0.05)
    with turn.taken(lambda: None, left=1000):
        ended.set()
        order.append("long")
    for thread in threads:
        thread.join(5)
    assert "long" in order
