"""Import PyTorch and sentence-transformers without what only other uses of them need.

sentence-transformers imports scikit-learn's metrics and ``scipy.stats`` (and with them pandas) at
its top, ``scipy.optimize`` for losses and ``scipy.sparse`` for vectors of another kind; embedding
and reranking call none of them. They are a quarter of the import, which is most of a start. Here
they are stood in for until one of their functions is called, which then loads the real ones.
Measured on two idle cores: 7.8 and 8.0 s of CPU become 5.5 and 6.2 s; ``scipy.optimize`` came
later, 4.1 s become 3.8 s on a faster machine.

PyTorch registers at its import what tensors without values are computed by, which only its compiler
and its exporter do: a third of the import, 1.0 s of CPU instead of 1.4 to 1.7. It is left out where
``leave_out_compiler`` was called: by a command that loads one model of ours and ends.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import sys
import threading
from types import ModuleType
from typing import TYPE_CHECKING, Any

from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

UNCALLED = ("sklearn", "sklearn.metrics", "scipy.sparse", "scipy.stats", "scipy.optimize")

FOR_COMPILER = ("torch._meta_registrations", "torch.distributed._meta_registrations")

_importing = threading.Lock()
_without_compiler = False


class _StandIn(ModuleType):
    """A module whose names can be imported and, when called, load the real module."""

    @override
    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)
        module = self.__name__

        def call(*args: object, **kwargs: object) -> Any:
            _withdraw()
            return getattr(importlib.import_module(module), name)(*args, **kwargs)

        return call


def leave_out_compiler() -> None:
    """Import PyTorch without its compiler's part from now on, in a process that is all ours."""
    global _without_compiler
    _without_compiler = True


def import_torch() -> ModuleType:
    """Import PyTorch, for a model that is computed step by step."""
    with _importing:
        if not _without_compiler or "torch" in sys.modules:
            return importlib.import_module("torch")
        for name in FOR_COMPILER:
            sys.modules[name] = ModuleType(name)
        try:
            return importlib.import_module("torch")
        finally:
            for name in FOR_COMPILER:
                del sys.modules[name]


def import_sentence_transformers() -> ModuleType:
    """Import sentence-transformers; the modules of ``UNCALLED`` already loaded stay what they are.

    What was left out of PyTorch is made good: models of any kind may be loaded then.

    Raises:
        ImportError: The package is not installed.
    """
    with _importing:
        loaded = sys.modules.get("sentence_transformers")
        if loaded is None:
            for name in FOR_COMPILER if "torch" in sys.modules else ():
                importlib.import_module(name)
            for stand_in in _absent():
                sys.modules[stand_in.__name__] = stand_in
            try:
                loaded = importlib.import_module("sentence_transformers")
            finally:
                _withdraw()
        return loaded


def _absent() -> Iterator[_StandIn]:
    for name in UNCALLED:
        if name in sys.modules:
            continue
        spec = importlib.util.find_spec(name) if "." not in name else None
        stand_in = _StandIn(name)
        stand_in.__path__ = []
        stand_in.__spec__ = spec or importlib.machinery.ModuleSpec(name, None, is_package=True)
        yield stand_in


def _withdraw() -> None:
    """Take the stand-ins out of ``sys.modules``: whoever imports these modules gets real ones."""
    for name in UNCALLED:
        if isinstance(sys.modules.get(name), _StandIn):
            del sys.modules[name]
