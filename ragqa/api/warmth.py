"""Is the service warm: database there, models loaded?"""

from __future__ import annotations

import gc
import logging
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from ragqa.errors import RagqaError
from ragqa.wiring import build_close_reader, import_embedder

if TYPE_CHECKING:
    from ragqa.settings import Settings
    from ragqa.wiring import Services

logger = logging.getLogger(__name__)


def import_ahead(settings: Settings) -> None:
    """Begin to import what embeds, while this thread waits for the database; returns at once.

    On a warm machine half of a start are these imports. Nothing of what they load is garbage, and
    looking for it would make them a fifth slower: ``Warmth`` looks again when all is loaded.
    """
    gc.disable()

    def load() -> None:
        with suppress(ImportError, RagqaError):  # whoever needs it says so
            import_embedder(settings)

    threading.Thread(target=load, daemon=True).start()


class Warmth:
    """Loads the models in the background, so that the first question does not wait for them."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._state: dict[str, str] = {}
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin to load; returns at once."""
        gc.disable()
        for name, load in (("embedder", self._load_embedder), ("generator", self._load_generator)):
            self._state[name] = "loading"
            thread = threading.Thread(target=self._run, args=(name, load), daemon=True)
            self._threads.append(thread)
            thread.start()
        threading.Thread(target=self._collect_again, daemon=True).start()

    def checks(self) -> dict[str, str]:
        """Return the state of each part: ``ok``, ``loading``, or what is wrong."""
        state = dict(self._state)
        try:
            with self._services.database.transaction() as conn:
                conn.execute("SELECT 1")
            state["database"] = "ok"
        except RagqaError as error:
            state["database"] = str(error)
        return state

    def _run(self, name: str, load: object) -> None:
        try:
            assert callable(load)
            load()
            self._state[name] = "ok"
        except RagqaError as error:
            logger.error("the %s cannot be loaded: %s", name, error)  # noqa: TRY400
            self._state[name] = str(error)
        except Exception as error:
            logger.exception("the %s cannot be loaded", name)
            self._state[name] = f"{type(error).__name__}: {error}"

    def _collect_again(self) -> None:
        for thread in self._threads:
            thread.join()
        gc.freeze()
        gc.enable()

    def _load_embedder(self) -> None:
        embedder = self._services.embedder()
        embedder.embed_query("热身 warm up")
        if reader := build_close_reader(embedder, self._services.settings):
            reader.read("热身", ["warm up"])
        self._services.reranker()

    def _load_generator(self) -> None:
        self._services.generator()
