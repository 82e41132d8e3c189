"""The route of search."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from ragqa.api.access import Given
from ragqa.api.schemas import SearchQuery
from ragqa.retrieval.explain import explained_to_json
from ragqa.shapes import hits_to_json
from ragqa.store.collections import find_collection

router = APIRouter(tags=["search"])


@router.post("/search")
def search(body: SearchQuery, services: Given) -> dict[str, Any]:
    """Find the passages that may answer the query; each stage's rank and score is told.

    With `explain`: also how the query was cut, in how many chunks each term is and what it is
    worth, the documents it names, which terms each hit has, and what each stage found and took.
    """
    with services.database.transaction() as conn:
        found = [find_collection(conn, name) for name in body.names()]
    retriever = services.retriever(found[0].embedding_model)
    names = [collection.name for collection in found]
    only = body.filter.to_filter() if body.filter else None
    if not body.explain:
        hits = retriever.retrieve(body.query, names, limit=body.top_k, only=only)
        return {"query": body.query, "hits": hits_to_json(hits)}
    explained = retriever.explain(body.query, names, limit=body.top_k, only=only)
    return {
        "query": body.query,
        "hits": hits_to_json(explained.hits),
        "explain": explained_to_json(explained),
    }
