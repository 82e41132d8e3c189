"""An embedding model is given back when nobody uses it, and never in memory twice."""

from __future__ import annotations

import io
import weakref
from typing import TYPE_CHECKING

import pytest

from ingest.types import MANY_PAGES
from ingest.worker import run_worker
from ragqa.store.documents import find_document
from ragqa.store.intake import take_in

if TYPE_CHECKING:
    from ragqa.wiring import Services
    from tests.conftest import MakePdf


def test_a_forgotten_model_that_somebody_uses_is_not_loaded_a_second_time(
    services: Services,
) -> None:
    used = services.embedder()

    services.forget_embedders()

    assert services.embedder() is used


@pytest.mark.parametrize("model", ["hashing", "multilingual-e5-small-q4"])
def test_a_forgotten_model_that_nobody_uses_is_gone(model: str, services: Services) -> None:
    loaded = weakref.ref(services.embedder(model))
    assert loaded() is not None

    services.forget_embedders()

    assert loaded() is None
    assert services.embedder(model).dimension > 0


@pytest.mark.parametrize(("pages", "kept"), [(3, True), (MANY_PAGES, False)])
def test_the_model_makes_room_while_many_pages_are_read(
    pages: int, *, kept: bool, services: Services, make_pdf: MakePdf
) -> None:
    collection = services.create_collection("papers")
    loaded = weakref.ref(services.embedder())
    content = make_pdf(*(f"page {number} of the manual" for number in range(pages)))
    document = take_in(
        services.database, services.files, collection, "manual.pdf", io.BytesIO(content)
    ).document

    run_worker(services, until_idle=True)

    with services.database.transaction() as conn:
        assert find_document(conn, document.id).status == "ready"
    assert (loaded() is not None) == kept
