"""Three workers share one Postgres, and one of them is killed every few seconds."""

from __future__ import annotations

import io
import os
import random
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from ragqa.store.documents import list_documents
from ragqa.store.intake import retry, take_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from ragqa.wiring import Services

    MakePdf = Callable[..., bytes]

DOCUMENTS = 24
SECONDS = 100.0


def test_three_workers_lose_and_double_nothing_while_one_is_killed_again_and_again(
    services: Services, database_url: str, make_pdf: MakePdf
) -> None:
    collection = services.create_collection("papers")
    for number in range(DOCUMENTS):
        data = make_pdf(*(f"Document {number} page {page}." for page in range(1, 5)))
        name = f"{number}.pdf"
        take_in(services.database, services.files, collection, name, io.BytesIO(data))
    surroundings = os.environ | {
        "RAGQA_HOME": str(services.settings.home),
        "RAGQA_DATABASE_URL": database_url,
        "RAGQA_EMBEDDING_MODEL": "hashing",
        "RAGQA_LOG_LEVEL": "error",
    }

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-m", "ragqa", "worker"], env=surroundings)

    chance, kills = random.Random(11), 0
    workers = [start() for _ in range(3)]
    deadline = time.monotonic() + SECONDS
    try:
        while True:
            with services.database.transaction() as conn:
                found, _ = list_documents(conn, collection.id)
            if all(one.status == "ready" for one in found) and kills >= 3:
                break
            assert time.monotonic() < deadline, [(one.filename, one.status) for one in found]
            for one in found:
                # Three kills at the same point set a file aside; somebody retries it.
                if one.error is not None and one.error.code == "poisoned":
                    retry(services.database, one.id)
            time.sleep(chance.uniform(1.5, 3.0))
            place = chance.randrange(3)
            if kills < 8:
                workers[place].kill()
                workers[place].wait()
                workers[place] = start()
                kills += 1
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()

    with services.database.transaction() as conn:
        rows = conn.execute(
            "SELECT d.name, array_agg(c.text ORDER BY c.ordinal) AS texts FROM documents d"
            " JOIN chunks c USING (collection_id, document_id) GROUP BY d.name"
        ).fetchall()
    expected = {
        f"{number}.pdf": [f"Document {number} page {page}." for page in range(1, 5)]
        for number in range(DOCUMENTS)
    }
    assert {row["name"]: row["texts"] for row in rows} == expected
