"""Which rows and columns of a table a question names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ragqa.answering.grids import Grid, Head, years_of
from ragqa.answering.operations import CHANGE_COLUMN, MONTHS, TOTAL, bare, words
from ragqa.retrieval.folding import fold

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMED = 0.6
"""Share of a row's name that a question must have for the row to be meant, and vice versa."""


LONGER = 0.65
"""How clearly a row is named by a question that says all it can of a longer name."""


@dataclass(frozen=True, slots=True)
class Match:
    """A row that a question names, how clearly (about 0 to 1), and by which words."""

    row: int
    score: float
    at: int
    """Where the question begins to name it, in its folded form."""
    terms: frozenset[str]
    verbatim: bool
    partly: bool = False
    """Whether the question says only a part of the row's name."""

    @property
    def liking(self) -> float:
        """Of two names the longer one is meant where both are said: "total sales", not "sales"."""
        return self.score + 0.04 * len(self.terms)


def find_items(
    question: str,
    wanted: frozenset[str],
    grid: Grid,
    *,
    years: Sequence[int] = (),
    around: frozenset[str] = frozenset(),
) -> list[Match]:
    """Return the rows that the question names, the clearest first, each by words of its own.

    Args:
        question: As asked.
        wanted: Its words that name things.
        grid: The table.
        years: That it asks for; a row with other years in its name is not meant.
        around: Words of the text around the table, which the table may leave out.
    """
    folded = fold(question)
    columns = frozenset(word for head in grid.columns for word in words(head.whole))
    inside = columns.union(*(words(head.whole) for head in grid.rows))
    found: list[Match] = []
    left = wanted - (MONTHS - inside)
    told = _Told(folded, columns, around - inside)
    while left:
        scored = [
            match
            for number, head in enumerate(grid.rows)
            if any(row == number for row, _ in grid.cells)
            and all(match.row != number for match in found)
            and (not years or not (named := years_of(head.whole)) or {*named} & {*years})
            and (match := _match(told, left, wanted, number, head)) is not None
        ]
        if not scored:
            break
        scored = _clear(scored, left)
        if not scored:
            break
        best = max(scored, key=lambda match: match.liking)
        rivals = [m for m in scored if m.liking > best.liking - 0.03 and m.row != best.row]
        if rivals and not found:
            return []
        if rivals:
            break
        found.append(best)
        left = left - best.terms
        if len(found) == 2:
            break
    return found


def _clear(scored: list[Match], left: frozenset[str]) -> list[Match]:
    """Leave out longer names of which a question says a part, where several have this part."""
    whole = [match for match in scored if left - {TOTAL} <= match.terms]
    several = len(whole) > 1 or len(left - {TOTAL}) < 2
    return [match for match in scored if not (match.partly and several)]


@dataclass(frozen=True, slots=True)
class _Told:
    """What is known of a question before a row is looked at."""

    folded: str
    columns: frozenset[str]
    """Words of the heads of columns."""
    around: frozenset[str]
    """Words that stand around the table and not in it."""


def _match(
    told: _Told, left: frozenset[str], wanted: frozenset[str], number: int, head: Head
) -> Match | None:
    name = bare(head.text)
    own = frozenset(word for word in words(name) if not word.isdigit())
    shared = own & left
    if not own or not shared:
        return None
    asked = frozenset(words(told.folded)) - (wanted - left)
    precision = len(own & asked) / len(own)
    above = frozenset(words(head.above)) & (wanted - own)
    # What the row does not say may be said over it, or over the column; less surely, around both.
    rest = left - own - {TOTAL}
    said = len(rest & (above | told.columns)) + len(rest & told.around) / 2
    recall = (len(shared) + said) / (len(shared) + len(rest))
    if precision < NAMED and not left - {TOTAL} <= own:
        return None
    name = fold(name)
    verbatim = name in told.folded
    score = 2 * precision * recall / (precision + recall) + 0.1 * len(above) / max(1, len(wanted))
    at = (
        told.folded.find(name)
        if verbatim
        else min(
            (place for term in shared if (place := told.folded.find(term)) >= 0),
            default=len(told.folded),
        )
    )
    partly = precision < NAMED
    if partly:
        score = LONGER * recall
    return Match(number, score + 0.1 * verbatim, at, shared, verbatim, partly)


def period_columns(
    years: Sequence[int], rest: frozenset[str], grid: Grid, row: int, *, rate: bool = False
) -> list[int] | None:
    """Return the columns of the asked years, oldest first; of all years when none is asked."""
    by_year: dict[int, list[int]] = {}
    for number, head in enumerate(grid.columns):
        named = years_of(head.whole)
        told = len(named) == 1 and not CHANGE_COLUMN.search(fold(head.text))
        if told and (row, number) in grid.cells:
            by_year.setdefault(named[0], []).append(number)
    wanted = list(years) or sorted(by_year)
    columns: list[int] = []
    for year in wanted:
        choices = by_year.get(year, [])
        column = _clearest(choices, rest, grid)
        if column is None:
            column = _clearest(
                [n for n in choices if grid.cells[row, n].percent == rate], rest, grid
            )
        if column is None:
            return None
        columns.append(column)
    return columns


def one_column(
    years: Sequence[int], rest: frozenset[str], grid: Grid, rows: Sequence[int]
) -> int | None:
    """Return the column that has values of all ``rows`` and that the question names, if any."""
    choices = [
        number
        for number in range(len(grid.columns))
        if all((row, number) in grid.cells for row in rows)
    ]
    if years:
        choices = [n for n in choices if set(years_of(grid.columns[n].whole)) & set(years)]
    return _clearest(choices, rest, grid)


def _clearest(choices: Sequence[int], rest: frozenset[str], grid: Grid) -> int | None:
    """Return the only choice, or the one whose head the rest of the question names best."""
    if len(choices) < 2:
        return choices[0] if choices else None
    scored = sorted(
        ((len(rest & set(words(grid.columns[n].whole))), n) for n in choices), reverse=True
    )
    return scored[0][1] if scored[0][0] > scored[1][0] else None
