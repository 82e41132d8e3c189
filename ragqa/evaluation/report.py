"""The result of an evaluation as one HTML page that needs nothing else."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from ragqa.evaluation.answers import render_answers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MOST_FAILURES = 500

HEAD = """<!doctype html><html lang="en"><meta charset="utf-8"><title>ragqa: evaluation</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem }
table { border-collapse: collapse } td, th { padding: .25rem .8rem; text-align: left }
tr + tr { border-top: 1px solid #ddd } svg { display: block; margin: .5rem 0 1.5rem }
details { border-top: 1px solid #ddd; padding: .4rem 0 }
.right { color: #060 } .wrong { color: #a00 }
ol { margin: .3rem 0; flex: 1 } .beside { display: flex; gap: 1rem } small { color: #555 }
</style>"""


def render_report(result: Mapping[str, Any]) -> str:
    """Return the page: figures, where the right page stood, time, and the failed questions."""
    parts = [HEAD, f"<h1>{escape(str(result.get('collection', 'Evaluation')))}</h1>"]
    parts += _figures(result["intervals"])
    parts += _against(result.get("against"))
    parts += _ranks(result["questions"])
    parts += _times(result.get("milliseconds"))
    parts += render_answers(result)
    parts += _failures(result["questions"])
    return "\n".join(parts) + "\n</html>\n"


def _figures(intervals: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    yield "<h2>Figures</h2><table><tr><th>measure<th>mean<th>95 % interval<th>n<th></tr>"
    for name, value in intervals.items():
        yield (
            f"<tr><td>{escape(name)}<td>{value['mean']:.3f}"
            f"<td>{value['low']:.3f} to {value['high']:.3f}<td>{value['n']}"
            f"<td>{_bar(value['mean'], value['low'], value['high'])}</tr>"
        )
    yield "</table>"


def _against(against: Mapping[str, Mapping[str, float]] | None) -> Iterator[str]:
    if not against:
        return
    yield "<h2>Against the other configuration</h2><table>"
    yield "<tr><th>measure<th>this<th>other<th>better<th>worse<th>p</tr>"
    for name, row in against.items():
        yield (
            f"<tr><td>{escape(name)}<td>{row['mean']:.3f}<td>{row['before']:.3f}"
            f"<td>{row['better']}<td>{row['worse']}<td>{row['p']:.3f}</tr>"
        )
    yield "</table>"


def _bar(mean: float, low: float, high: float) -> str:
    """Draw a mean on a scale from 0 to 1, 240 pixels wide, with its interval as a line."""
    return (
        '<svg width="240" height="14" role="img" style="margin:0">'
        '<rect width="240" height="14" fill="#eee"/>'
        f'<rect width="{240 * mean:.1f}" height="14" fill="#7aa6d8"/>'
        f'<line x1="{240 * low:.1f}" x2="{240 * high:.1f}" y1="7" y2="7" stroke="#024"/></svg>'
    )


def _ranks(questions: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Draw how often the first right page stood at each rank."""
    if not questions:
        return
    counts: dict[str, int] = {str(rank): 0 for rank in range(1, 11)} | {"not found": 0}
    for question in questions:
        rank = _first_right(question)
        counts[str(rank) if rank else "not found"] += 1
    most = max(counts.values())
    yield "<h2>Rank of the first right page</h2>"
    yield f'<svg width="640" height="{22 * len(counts)}" role="img">'
    for row, (label, count) in enumerate(counts.items()):
        top = 22 * row
        yield (
            f'<text x="70" y="{top + 15}" text-anchor="end" font-size="13">{label}</text>'
            f'<rect x="78" y="{top + 3}" width="{480 * count / most:.1f}" height="16"'
            f' fill="{"#d88" if label == "not found" else "#7aa6d8"}"/>'
            f'<text x="{84 + 480 * count / most:.1f}" y="{top + 15}" font-size="13">{count}</text>'
        )
    yield "</svg>"


def _times(milliseconds: Mapping[str, float] | None) -> Iterator[str]:
    if milliseconds:
        shown = ", ".join(f"{name} {value:.0f} ms" for name, value in milliseconds.items())
        yield f"<p>Time of a search, the question's embedding included: {shown}.</p>"


def _failures(questions: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    failed = [question for question in questions if _first_right(question) != 1]
    yield f"<h2>Questions whose first hit is not right: {len(failed)} of {len(questions)}</h2>"
    for question in failed[:MOST_FAILURES]:
        places = ", ".join(_place(place) for place in question["expected"])
        rank = _first_right(question)
        standing = f"right page at rank {rank}" if rank else "right page not among them"
        asked = escape(question["question"])
        yield f"<details><summary>{asked} <small>{standing}</small></summary>"
        yield f'<p>Expected: {places}</p><div class="beside">'
        yield from _found(question["found"])
        if "found_before" in question:
            yield from _found(question["found_before"])
        yield "</div></details>"


def _found(hits: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield "<ol>"
    for hit in hits:
        kind = "right" if hit["right"] else "wrong"
        yield f'<li class="{kind}">{_place(hit)} <small>{escape(hit["text"])}</small></li>'
    yield "</ol>"


def _first_right(question: Mapping[str, Any]) -> int | None:
    return next((r for r, hit in enumerate(question["found"][:10], 1) if hit["right"]), None)


def _place(place: Mapping[str, Any]) -> str:
    page = f", p. {place['page']}" if place.get("page") else ""
    return escape(f"{place['filename']}{page}")
