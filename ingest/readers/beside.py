"""What a PDF holds besides its pages, and why a reader of the pages should know of it.

Nothing of it is opened or run: embedded files and forms are counted, scripts never looked at.
"""

from __future__ import annotations

from typing import Any

from ragqa.types import Notice

_NAMES = 5


def beside_pages(document: Any) -> tuple[Notice, ...]:
    """Return a notice for embedded files, and one for a form whose pages are not in the file."""
    notices = []
    names = _embedded(document)
    if names:
        shown = ", ".join(names[:_NAMES]) + (", …" if len(names) > _NAMES else "")
        notices.append(
            Notice(
                "attachments",
                f"the file holds {len(names)} other files, which were not read ({shown}): "
                "save them out of it and add them",
            )
        )
    if _is_dynamic_form(document):
        notices.append(
            Notice(
                "xfa_form",
                "the file is an XFA form: what it shows is made by Adobe Reader and is not in its "
                "pages; print it to a PDF there and add that",
            )
        )
    return tuple(notices)


def _embedded(document: Any) -> list[str]:
    try:
        return [" ".join(str(name).split())[:80] for name in document.embfile_names()]
    except Exception:  # noqa: BLE001 - a broken tree of names: MuPDF's errors share no base
        return []


def _is_dynamic_form(document: Any) -> bool:
    """Tell whether pages are made from XFA only when shown: their fields are not in the pages."""
    try:
        catalog = document.pdf_catalog()
        form = document.xref_get_key(catalog, "AcroForm/XFA")[0] != "null"
        made = document.xref_get_key(catalog, "NeedsRendering")[1] == "true"
        fields = document.xref_get_key(catalog, "AcroForm/Fields")[1].strip("[] \n")
    except Exception:  # noqa: BLE001 - a broken catalogue: MuPDF's errors share no base
        return False
    return form and (made or (fields in ("", "null") and document.page_count == 1))
