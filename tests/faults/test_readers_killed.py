"""Killed from outside: the processes that read, and the one that starts them."""

from __future__ import annotations

import io
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil

from ingest.worker import run_worker
from ragqa.store.documents import find_document
from ragqa.store.intake import take_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from ragqa.wiring import Services

    MakePdf = Callable[..., bytes]


def test_killing_whatever_starts_the_readers_fails_no_document(
    services: Services, make_pdf: MakePdf
) -> None:
    collection = services.create_collection("papers")
    documents = [
        take_in(
            services.database,
            services.files,
            collection,
            f"{number}.pdf",
            io.BytesIO(make_pdf(f"Document {number}.", "Another page.")),
        ).document
        for number in range(6)
    ]
    ended, kills = threading.Event(), 0

    def kill() -> None:
        nonlocal kills
        # Readers that are warm from other tests are done with everything in half a second.
        while kills < 4 and not ended.wait(0.7 if kills else 0.05):
            for child in psutil.Process().children():
                # One that was killed the last time may not be buried yet.
                with suppress(psutil.NoSuchProcess):
                    if "forkserver" in " ".join(child.cmdline()):
                        child.kill()
                        kills += 1

    killing = threading.Thread(target=kill)
    killing.start()
    deadline = time.monotonic() + 50
    try:
        while True:
            run_worker(services, until_idle=True)
            with services.database.transaction() as conn:
                found = [find_document(conn, document.id) for document in documents]
            if all(one.status in {"ready", "failed"} for one in found):
                break
            assert time.monotonic() < deadline, [one.status for one in found]
            time.sleep(0.5)
    finally:
        ended.set()
        killing.join()

    assert kills > 0
    assert [(one.status, one.error, one.pages) for one in found] == [("ready", None, 2)] * 6
