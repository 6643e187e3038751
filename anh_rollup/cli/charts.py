"""Pictures with one narrow column for each layer of a network, as SVG without any script."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Final
from xml.etree.ElementTree import Element

from anh_rollup.cli.markup import element

#: Width and height of a picture, and its margins, in units of its own (choices).
_WIDTH: Final = 960
_HEIGHT: Final = 260
_LEFT: Final = 56
_RIGHT: Final = 8
_TOP: Final = 10
_BOTTOM: Final = 34
#: Most lines across a picture, and how thick a mark without height is.
_MOST_TICKS: Final = 7
_THIN: Final = 3.0
#: Beyond so many layers, columns are too narrow to point at, so they get no words of their own (choice).
_MOST_TOLD: Final = 1_500
#: Distances between two lines across.
_STEPS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000)


@dataclass(frozen=True, slots=True)
class Mark:
    """What is drawn in one layer's column.

    Attributes:
        column: The layer.
        low, high: From where to where; the same for a line.
        kind: The class that gives it its colour.
        words: What it says where one points at it.
    """

    column: int
    low: float
    high: float
    kind: str
    words: str


def chart(title: str, marks: Sequence[Mark], columns: int, label: Callable[[int], str]) -> Element:
    """A picture of marks over layers.

    Args:
        title: What it shows, for who cannot see it.
        marks: In the order in which they are drawn; one at least.
        columns: How many layers there are.
        label: The words beside a line across, by its height.
    """
    ticks = _ticks(min(each.low for each in marks), max(each.high for each in marks))
    place = _Place(columns, ticks[0], ticks[-1])
    return element(
        "svg",
        element("title", title),
        *(part for tick in ticks for part in _line(place, tick, label(tick))),
        *(_drawn(place, mark, is_told=columns <= _MOST_TOLD) for mark in marks),
        *_ends(columns),
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
        xmlns="http://www.w3.org/2000/svg",
    )


@dataclass(frozen=True, slots=True)
class _Place:
    """Where things are drawn."""

    columns: int
    low: float
    high: float

    @property
    def width(self) -> float:
        return (_WIDTH - _LEFT - _RIGHT) / max(self.columns, 1)

    def x(self, column: float) -> float:
        return _LEFT + column * self.width

    def y(self, height: float) -> float:
        share = (height - self.low) / (self.high - self.low)
        return _TOP + (1 - share) * (_HEIGHT - _TOP - _BOTTOM)


def _ticks(low: float, high: float) -> list[int]:
    """Round numbers that enclose a range, few of them."""
    step = next((each for each in _STEPS if high - low <= each * (_MOST_TICKS - 1)), _STEPS[-1])
    first, last = floor(low / step), ceil(high / step)
    return [each * step for each in range(first, max(last, first + 1) + 1)]


def _line(place: _Place, tick: int, words: str) -> list[Element]:
    y = f"{place.y(tick):.1f}"
    return [
        element("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=y, y2=y, class_="grid"),
        element("text", words, x=_LEFT - 8, y=y, dy="0.35em", text_anchor="end"),
    ]


def _drawn(place: _Place, mark: Mark, *, is_told: bool) -> Element:
    gap = min(place.width * 0.2, 2.0)
    top, height = place.y(mark.high), place.y(mark.low) - place.y(mark.high)
    if height < _THIN:
        top, height = top + height / 2 - _THIN / 2, _THIN
    words = [element("title", mark.words)] if is_told else []
    return element(
        "rect", *words, class_=mark.kind, x=f"{place.x(mark.column) + gap / 2:.2f}", y=f"{top:.1f}",
        width=f"{place.width - gap:.2f}", height=f"{height:.1f}",
    )  # fmt: skip


def _ends(columns: int) -> list[Element]:
    """What is at the left and at the right."""
    y = _HEIGHT - 10
    return [
        element("text", "input", x=_LEFT, y=y),
        element("text", f"output, layer {columns:,}", x=_WIDTH - _RIGHT, y=y, text_anchor="end"),
    ]
