"""Colours that real and synthetic keep in every figure, and how a figure is saved."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = {"real": "#0072B2", "synthetic": "#D55E00"}
"""Blue and vermilion of the Okabe-Ito palette, apart for colour-blind readers too."""

LABEL_COLOURS = ("#E69F00", "#56B4E9", "#009E73", "#CC79A7", "#F0E442")
"""Outlines of mask labels on grey images, Okabe-Ito; repeated beyond five labels."""


def save(figure: Figure, path: Path) -> None:
    """Save a figure as PNG; the same figure gives the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130, metadata={"Software": None}, pil_kwargs={"optimize": True})
