"""What a section of the report is made of. The page template knows how each kind of block looks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import pandas as pd
from matplotlib.figure import Figure

Cases = Literal["", "test", "validation", "training"]
"""Which cases a figure or table was measured on; shown as a label beside its caption."""


@dataclass(frozen=True)
class Text:
    """A paragraph of plain text."""

    kind: ClassVar[str] = "text"
    text: str


@dataclass(frozen=True)
class Words:
    """A short list of sentences that a reader should take away."""

    kind: ClassVar[str] = "words"
    sentences: Sequence[str]


@dataclass(frozen=True)
class Heading:
    """A heading inside a section."""

    kind: ClassVar[str] = "heading"
    text: str


@dataclass(frozen=True)
class Banner:
    """A warning that can't be overlooked."""

    kind: ClassVar[str] = "banner"
    title: str
    text: str


@dataclass(frozen=True)
class Card:
    """One arm's verdict.

    Attributes:
        arm: its name.
        colour: the arm's colour in all figures.
        verdict: `helps`, `harms`, `no evidence`, or `reference`.
        figure: the number that goes with it, such as `+0.012`.
        lines: smaller lines below, such as the interval.
    """

    arm: str
    colour: str
    verdict: str
    figure: str
    lines: Sequence[str] = ()

    @property
    def sign(self) -> str:
        """A sign that says the verdict without colour."""
        return {"helps": "▲", "harms": "▼", "no evidence": "◆"}.get(self.verdict, "○")


@dataclass(frozen=True)
class Cards:
    """The verdicts of one segmenter or classifier side by side."""

    kind: ClassVar[str] = "cards"
    cards: Sequence[Card]


@dataclass(frozen=True)
class Column:
    """How one column of a data frame is shown.

    Attributes:
        name: the column in the data frame, which is also its name in the CSV.
        title: what the page shows, with the unit.
        show: turns a value into text; missing values are shown as a dash before it is asked.
        number: numbers are set to the right, words to the left.
    """

    name: str
    title: str
    show: Callable[[Any], str] = str
    number: bool = True


@dataclass(frozen=True)
class Table:
    """A table on the page and, with full precision, in `tables/<name>.csv`.

    Attributes:
        name: of the CSV file.
        frame: one row per line.
        columns: which columns are shown, in order; the CSV has all of `frame`.
        caption: what is seen and how to read it.
        cases: which cases it was measured on.
    """

    kind: ClassVar[str] = "table"
    name: str
    frame: pd.DataFrame
    columns: Sequence[Column]
    caption: str
    cases: Cases = ""

    @property
    def rows(self) -> list[list[str]]:
        """The cells as text."""
        return [
            ["–" if pd.isna(record[column.name]) else column.show(record[column.name]) for column in self.columns]
            for record in self.frame.to_dict("records")
        ]


def text_table(name: str, frame: pd.DataFrame, caption: str) -> Table:
    """A table of texts, each column under its own name."""
    columns = [Column(column, column.capitalize() if column.islower() else column, number=False) for column in frame]
    return Table(name=name, frame=frame, columns=columns, caption=caption)


@dataclass(frozen=True)
class Picture:
    """A figure on the page and in `figures/<name>.png`.

    Attributes:
        name: of the PNG file.
        content: a matplotlib figure, or the path of a PNG that another stage made.
        caption: what is seen and how to read it.
        alt: what it shows, for a reader who can't see it.
        cases: which cases it was measured on.
    """

    kind: ClassVar[str] = "picture"
    name: str
    content: Figure | Path
    caption: str
    alt: str
    cases: Cases = ""


@dataclass(frozen=True)
class Details:
    """Preformatted text that is folded away until asked for; printed pages leave it out."""

    kind: ClassVar[str] = "details"
    summary: str
    text: str


Block = Text | Words | Heading | Banner | Cards | Table | Picture | Details


@dataclass(frozen=True)
class Section:
    """One section of the page.

    Attributes:
        key: short word for links.
        title: heading, without a number.
        blocks: what is shown, in order.
    """

    key: str
    title: str
    blocks: Sequence[Block]
