"""Serving the page: headers, caching, compression."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import Response

from ragqa.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI
    from starlette.requests import Request

STATIC = Path(__file__).parent / "static"
PLACEHOLDER = "__STATIC__"
# Modules import modules; told of all of them at once, the browser fetches them side by side.
MODULES_PLACEHOLDER = "__MODULES__"
PRELOAD = f'<link rel="modulepreload" href="{PLACEHOLDER}/{{name}}">'

# `require-trusted-types-for` makes the browser refuse every way of turning a string into markup or
# script, so text out of documents and models cannot become either, even by mistake.
CONTENT_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": CONTENT_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
FOR_EVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of the page, ready to send."""

    content: bytes
    zipped: bytes
    kind: str
    etag: str


def _asset(name: str, content: bytes) -> Asset:
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    # Systems disagree about the type of .js; the browser insists on this one.
    kind = "text/javascript" if name.endswith(".js") else kind
    text = kind.startswith("text/") or kind == "image/svg+xml"
    return Asset(
        content=content,
        zipped=gzip.compress(content, mtime=0),
        kind=f"{kind}; charset=utf-8" if text else kind,
        etag=f'"{hashlib.sha256(content).hexdigest()[:20]}"',
    )


def _read_assets(folder: Path) -> tuple[Asset, dict[str, Asset], str]:
    """Return the page itself, the files by name, and the digest of them all."""
    contents = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    digest = hashlib.sha256()
    for name, content in contents.items():
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    version = digest.hexdigest()[:16]
    html = contents.pop("index.html").decode()
    preloads = [PRELOAD.format(name=name) for name in contents if name.startswith("js/")]
    html = html.replace(MODULES_PLACEHOLDER, "\n".join(preloads))
    html = html.replace(PLACEHOLDER, f"static/{version}")
    assets = {name: _asset(name, content) for name, content in contents.items()}
    return _asset("index.html", html.encode()), assets, version


def _send(request: Request, asset: Asset, caching: str) -> Response:
    headers = {
        **SECURITY_HEADERS,
        "Cache-Control": caching,
        "ETag": asset.etag,
        "Vary": "Accept-Encoding",
    }
    if asset.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    content = asset.content
    if "gzip" in request.headers.get("accept-encoding", "") and len(asset.zipped) < len(content):
        content = asset.zipped
        headers["Content-Encoding"] = "gzip"
    return Response(content, media_type=asset.kind, headers=headers)


def mount(app: FastAPI) -> None:
    """Serve the page at ``/`` and its files under ``/static/`` of ``app``.

    Raises (in the routes):
        NotFound: If there is no such file.
    """
    page, assets, version = _read_assets(STATIC)

    def send_page(request: Request) -> Response:
        return _send(request, page, ASK_AGAIN)

    def send_file(request: Request) -> Response:
        path = str(request.path_params["path"])
        first, _, rest = path.partition("/")
        caching, name = (FOR_EVER, rest) if first == version else (ASK_AGAIN, path)
        asset = assets.get(name)
        if asset is None:
            raise NotFound(f"no file {path!r} belongs to the page")
        return _send(request, asset, caching)

    def send_icon(request: Request) -> Response:
        return _send(request, assets["icon.svg"], ASK_AGAIN)

    methods = ["GET", "HEAD"]
    app.add_route("/", send_page, methods, include_in_schema=False)
    app.add_route("/static/{path:path}", send_file, methods, include_in_schema=False)
    app.add_route("/favicon.ico", send_icon, methods, include_in_schema=False)
