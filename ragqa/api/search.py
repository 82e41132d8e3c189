"""The route of search."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from ragqa.api.access import Given
from ragqa.api.schemas import SearchQuery
from ragqa.shapes import hits_to_json
from ragqa.store.collections import find_collection

router = APIRouter(tags=["search"])


@router.post("/search")
def search(body: SearchQuery, services: Given) -> dict[str, Any]:
    """Find the passages that may answer the query; each stage's rank and score is told."""
    with services.database.transaction() as conn:
        collection = find_collection(conn, body.collection)
    hits = services.retriever(collection.embedding_model).retrieve(
        body.query,
        collection.name,
        limit=body.top_k,
        only=body.filter.to_filter() if body.filter else None,
    )
    return {"query": body.query, "hits": hits_to_json(hits)}
