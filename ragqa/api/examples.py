"""An example of what each route takes and gives: one manual, one question, followed through."""

# Longer than 300 lines: one example for each route, in one place, to be looked up.

from __future__ import annotations

from typing import Any

QUOTE = "本产品的保修期为三十六个月，自购买之日起计算。"
PAGE_TEXT = f"8 保修\n{QUOTE}"
SPAN = [5, 5 + len(QUOTE)]
QUESTION = "保修期多久？"
SHA256 = "8de2ac206103eefade422c84ef6b2497dfd663e124554dd684ea3a8eb855c91c"
BOXES = [{"page": 1, "bbox": [72.0, 118.4, 339.2, 130.4]}]
NOW = "2030-01-02T03:04:05.678Z"

COLLECTION = {
    "name": "demo",
    "embedding_model": "multilingual-e5-small-q4",
    "dimension": 384,
    "documents": 1,
    "chunks": 49,
    "created_at": NOW,
}
DOCUMENT = {
    "id": "1-1",
    "collection": "demo",
    "filename": "manual.pdf",
    "sha256": SHA256,
    "bytes": 227682,
    "status": "ready",
    "version": 1,
    "pages": 10,
    "ocr_pages": 0,
    "tables": 5,
    "chunks": 49,
    "error": None,
    "warnings": [],
    "progress": {"stage": "ready", "done": 10, "total": 10, "rate": None, "seconds_left": None},
    "created_at": NOW,
    "updated_at": NOW,
    "metadata": {"year": "2024"},
}
QUEUED = {
    **DOCUMENT,
    "status": "queued",
    "pages": 0,
    "tables": 0,
    "chunks": 0,
    "progress": {"stage": "queued", "done": 0, "total": 0, "rate": None, "seconds_left": None},
}
UPLOAD = {
    "documents": [QUEUED],
    "rejected": [
        {
            "filename": "empty.pdf",
            "code": "empty_file",
            "message": "empty.pdf has 0 bytes: send the file itself",
        }
    ],
}
RUN = {
    "run_id": 1,
    "paths": ["/data/manuals"],
    "state": "finished",
    "report": {
        "added": 1,
        "updated": 0,
        "unchanged": 120,
        "deleted": 0,
        "renamed": 0,
        "failed": [],
        "skipped": [],
        "pages": 10,
        "ocr_pages": 0,
        "chunks": 49,
        "seconds": 4.2,
    },
    "started_at": NOW,
    "finished_at": NOW,
}
VERSION = {
    "version": 1,
    "sha256": SHA256,
    "bytes": 227682,
    "status": "ready",
    "pages": 10,
    "served": True,
    "created_at": NOW,
}
PAGE = {
    "number": 1,
    "width": 595.0,
    "height": 842.0,
    "source": "text",
    "ocr_confidence": None,
    "text": PAGE_TEXT,
    "blocks": [
        {
            "kind": "heading",
            "bbox": [72.0, 90.0, 120.0, 104.0],
            "text": "8 保修",
            "span": [0, 4],
            "rows": [],
            "level": 1,
        },
        {
            "kind": "text",
            "bbox": [72.0, 118.4, 339.2, 130.4],
            "text": QUOTE,
            "span": SPAN,
            "rows": [],
            "level": None,
        },
    ],
}
LOT = {
    "number": 1,
    "source": "text",
    "ocr_confidence": None,
    "characters": len(PAGE_TEXT),
    "warnings": [],
}
PIECE = {"chunk_id": "1-1", "span": SPAN, "kind": "text", "headings": ["8 保修"], "boxes": BOXES}
RECOGNITION = {
    "source": "ocr",
    "ocr_reason": "image_only",
    "lines": [
        {
            "text": QUOTE,
            "bbox": [72.0, 118.4, 339.2, 130.4],
            "confidence": 0.9874,
            "words": [{"text": "本", "confidence": 0.998}, {"text": "产", "confidence": 0.997}],
            "correction": None,
        }
    ],
}
CORRECTIONS = [
    {
        "page": 1,
        "line": 1,
        "read_as": "本产品的保修期为三十大个月，自购买之日起计算。",
        "text": QUOTE,
        "corrected_by": "night desk",
        "corrected_at": NOW,
    }
]
CORRECTED = {"document": DOCUMENT, "corrections": CORRECTIONS}
TABLE = {
    "kind": "table",
    "bbox": [72.0, 200.0, 400.0, 260.0],
    "text": "项目\t数值\n额定功率\t1500 W",
    "span": [30, 48],
    "rows": [["项目", "数值"], ["额定功率", "1500 W"]],
    "level": None,
    "head_rows": 1,
    "head_columns": 1,
    "spans": [],
    "number": 1,
    "head": None,
    "heads": None,
}
HIT = {
    "rank": 1,
    "score": 0.0325,
    "chunk_id": "1-1",
    "document_id": "1-1",
    "filename": "manual.pdf",
    "page": 1,
    "span": SPAN,
    "text": QUOTE,
    "kind": "text",
    "source": "text",
    "ocr_confidence": None,
    "headings": ["8 保修"],
    "boxes": BOXES,
    "stages": [
        {"stage": "dense", "rank": 1, "score": 0.8731},
        {"stage": "lexical", "rank": 1, "score": 11.42},
    ],
}
EXPLANATION = {
    "terms": [{"text": "保修", "collection": "demo", "times": 1.0, "chunks": 2, "weight": 3.2}],
    "named": [],
    "stages": [{"name": "lexical", "collection": "demo", "found": 12, "milliseconds": 3.1}],
    "matched": [["保修"]],
    "weights": {"dense": 1.0, "lexical": 1.0},
    "milliseconds": 21.5,
}
FOUND = {"query": "保修期多久", "hits": [HIT], "explain": EXPLANATION}
CITATION = {
    "marker": 1,
    "chunk_id": "1-1",
    "document_id": "1-1",
    "filename": "manual.pdf",
    "page": 1,
    "span": SPAN,
    "quote": QUOTE,
    "boxes": BOXES,
    "cell": None,
}
ANSWER = {
    "id": "1-1",
    "question": QUESTION,
    "standalone_question": None,
    "conversation_id": "6a5b",
    "collection": "demo",
    "answered": True,
    "confidence": 0.93,
    "text": "保修期为三十六个月，自购买之日起计算。[1]",
    "refusal": None,
    "citations": [CITATION],
    "sentences": [
        {
            "text": "保修期为三十六个月，自购买之日起计算。",
            "markers": [1],
            "supported": True,
            "reasons": [],
        }
    ],
    "hits": [HIT],
    "timings_ms": {"retrieve": 35.2, "first_token": 900.1, "total": 2100.7},
    "usage": {"prompt_tokens": 612, "completion_tokens": 24},
    "models": {
        "embedding": "multilingual-e5-small-q4",
        "reranker": None,
        "generator": "qwen2.5-coder-0.5b-instruct-q4_k_m",
    },
}
TRACED = {
    **ANSWER,
    "prompt": "…",
    "asked": {"top_k": 10, "llm": True, "filter": None},
    "versions": {"1-1": 1},
    "created_at": NOW,
}
EVENTS = (
    'event: evidence\ndata: {"hits": […], "answer": {…}}\n\n'
    'event: token\ndata: {"text": "保修期"}\n\n'
    'event: answer\ndata: {"id": "1-1", "answered": true, …}\n\n'
)
PROGRESS_EVENTS = 'event: progress\ndata: {"id": "1-1", "status": "processing", …}\n\n'
MODEL = {"id": "demo", "object": "model", "created": 1893553445, "owned_by": "ragqa"}
COMPLETION = {
    "id": "chatcmpl-6a5b",
    "object": "chat.completion",
    "created": 1893553445,
    "model": "demo",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": f"{ANSWER['text']}\n\n[1] manual.pdf, p. 1",
            },
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 612, "completion_tokens": 24, "total_tokens": 636},
    "citations": [CITATION],
}
COMPLETION_EVENTS = (
    'data: {"object": "chat.completion.chunk", "choices": [{"delta": {"content": "…"}}], …}\n\n'
    "data: [DONE]\n\n"
)
EMBEDDINGS = {
    "object": "list",
    "model": "demo",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.6, 0.8]}],
    "usage": {"prompt_tokens": 5, "total_tokens": 5},
}
KEY = {
    "id": "aaaaaaaaaa",
    "name": "reading room",
    "role": "reader",
    "collections": ["demo"],
    "requests_per_minute": None,
    "questions_a_day": 200,
    "upload_bytes_a_day": None,
    "created_at": NOW,
    "expires_at": "2031-01-01T00:00:00.000Z",
    "revoked_at": None,
}
MADE_KEY = {**KEY, "key": "rq_aaaaaaaaaa_…"}
DEED = {
    "id": 7,
    "at": NOW,
    "actor": "reading room",
    "key_id": "aaaaaaaaaa",
    "action": "POST /v1/ask",
    "target": "/v1/ask",
    "outcome": "200",
    "request_id": "5f1d7a1e8b1c4c0b9d572f6f0f8d6a11",
    "address": "127.0.0.1",
}
SESSION = {
    "open": False,
    "name": "reading room",
    "role": "reader",
    "everywhere": False,
    "collections": ["demo"],
}
SETTING = {
    "name": "RAGQA_OCR_DPI",
    "value": 150,
    "default": 150,
    "description": "Resolution scans are read at.",
}
ASKED: dict[str, Any] = {"question": QUESTION, "collection": "demo", "top_k": 10}
CHAT: dict[str, Any] = {"model": "demo", "messages": [{"role": "user", "content": QUESTION}]}
NEW_KEY: dict[str, Any] = {
    "name": "reading room",
    "role": "reader",
    "collections": ["demo"],
    "questions_a_day": 200,
}
SEARCH: dict[str, Any] = {
    "query": "保修期多久",
    "collection": "demo",
    "top_k": 10,
    "filter": {"kind": "text", "pages": [1, 9]},
}
FORM: dict[str, Any] = {"files": ["(the bytes of manual.pdf)"], "metadata": '{"year": "2024"}'}
