"""The page people use: plain files, no build step, served under a strict content policy.

``mount(app)`` is all there is to call. Every file is read once, at mount. The files live under
``/static/<digest>/``, so that they may be cached for ever: a new version of any of them has a new
address, and relative imports between modules stay under it.
"""

from __future__ import annotations

from ragqa.web.page import mount

__all__ = ["mount"]
