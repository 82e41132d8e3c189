"""Files and the versions that use them: neither without the other, whoever else is at work."""

from __future__ import annotations

import io
import os
import time
from typing import TYPE_CHECKING, Any

from ingest.batch import run_batch
from ragqa.store.collections import find_collection
from ragqa.store.files import Files
from ragqa.store.intake import take_in

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from ragqa.wiring import Services


def test_bytes_that_are_deleted_while_they_come_in_again_are_there_in_the_end(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    collection = services.create_collection("papers")
    put = Files.put
    puts = 0

    def put_and_lose(files: Files, collection_id: Any, source: Any, *, limit: Any = None) -> Any:
        """Store; the first time somebody deletes the last document of the same bytes just then."""
        nonlocal puts
        puts += 1
        stored = put(files, collection_id, source, limit=limit)
        if puts == 1:
            files.delete(collection_id, stored.sha256)
        return stored

    monkeypatch.setattr(Files, "put", put_and_lose)
    added = take_in(
        services.database, services.files, collection, "a.txt", io.BytesIO(b"Alpha speaks of one.")
    )

    assert puts == 2
    assert services.files.stored(collection.id) == [added.document.sha256]


def test_a_run_of_the_batch_removes_what_killed_processes_left(
    services: Services, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.txt").write_text("Alpha speaks of one.")
    run_batch(services, [folder], "night")
    with services.database.transaction() as conn:
        collection = find_collection(conn, "night")
    used = services.files.stored(collection.id)
    old, young = (services.files.put(collection.id, io.BytesIO(data)) for data in (b"x", b"y"))
    scratch = services.settings.files_folder / str(collection.id) / ".incoming-half"
    scratch.write_bytes(b"half")
    long_ago = time.time() - 7200
    stored = [path for path in services.settings.files_folder.rglob("*") if path.is_file()]
    for path in stored:
        if path.name != young.sha256:
            os.utime(path, (long_ago, long_ago))

    run_batch(services, [folder], "night")

    assert services.files.stored(collection.id) == sorted([*used, young.sha256])
    assert old.sha256 not in services.files.stored(collection.id)
    assert not scratch.exists()
