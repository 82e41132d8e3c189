"""The route of search."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from ragqa.api.access import Given
from ragqa.api.schemas import SearchQuery
from ragqa.retrieval.explain import explained_to_json
from ragqa.shapes import hits_to_json
from ragqa.store.collections import find_collection

router = APIRouter(tags=["search"])


@router.post("/search", response_model=None)
def search(body: SearchQuery, services: Given) -> JSONResponse:
    """Find the passages that may answer the query; each stage's rank and score is told.

    With `explain`: also how the query was cut, in how many chunks each term is and what it is
    worth, the documents it names, which terms each hit has, and what each stage found and took.
    """
    with services.database.transaction() as conn:
        found = [find_collection(conn, name) for name in body.names()]
    retriever = services.retriever(found[0].embedding_model)
    names = [collection.name for collection in found]
    only = body.filter.to_filter() if body.filter else None
    told: dict[str, Any] = {"query": body.query}
    if body.explain:
        explained = retriever.explain(body.query, names, limit=body.top_k, only=only)
        told["hits"] = hits_to_json(explained.hits)
        told["explain"] = explained_to_json(explained)
    else:
        hits = retriever.retrieve(body.query, names, limit=body.top_k, only=only)
        told["hits"] = hits_to_json(hits)
    # Written in this thread: the loop, which all requests share, has nothing to check or convert.
    return JSONResponse(told)
