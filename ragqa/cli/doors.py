"""The commands that open doors for other programs: ``mcp``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ragqa.cli.base import open_settings

if TYPE_CHECKING:
    import typer


def mount(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command()(mcp)


def mcp() -> None:
    """Serve search, ask, read_page and list_documents to an assistant over stdin and stdout."""
    settings = open_settings()
    from ragqa.api.mcp import build_server
    from ragqa.wiring import open_services

    with open_services(settings) as services:
        build_server(lambda: services).run("stdio")
