"""What comparing two folders has shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from synthtrial.fidelity.measured import Measured

if TYPE_CHECKING:
    import pandas as pd

    from synthtrial.fidelity.audit.report import Audit

BY_CHANCE = 0.05
"""Share of metrics that may tell two equal sets apart; 3 % did on halves of 120 LIDC slices."""


@dataclass(frozen=True)
class Comparison:
    """What two folders have shown, and what it was measured on.

    Attributes:
        real, synthetic: the folders.
        n_real, n_synthetic: images in each.
        images: what they are, such as `NIfTI volumes, 32 x 32 x 32 voxels of 1 x 1 x 1 mm`.
        labels: labels of the masks; none without masks.
        window: intensities (low, high) that were scaled to -1 and 1, in both folders alike.
        unit: of the window.
        features: names of the extractors.
        repeats, seed: random halves that values are means over, and what all was drawn with.
        measurements: metrics by name.
        left_out: names of metrics that can't be had, and why.
        lesions: tests of the lesions' properties, one row each, as `compare_lesions` gives them; None without masks.
        audit: the look for copies of real images; None where it was switched off or left out.
        warnings: what a reader of the numbers should know of the images.
    """

    real: Path
    synthetic: Path
    n_real: int
    n_synthetic: int
    images: str
    labels: tuple[str, ...]
    window: tuple[float, float]
    unit: str
    features: tuple[str, ...]
    repeats: int
    seed: int
    measurements: dict[str, Measured]
    left_out: dict[str, str]
    lesions: pd.DataFrame | None
    audit: Audit | None
    warnings: tuple[str, ...]

    @property
    def copies(self) -> dict[str, str]:
        """Synthetic images that look like copies, voxel by voxel, and the real image nearest to each; closest first."""
        if self.audit is None:
            return {}
        pairs = self.audit.closest("pixels", self.n_synthetic)
        return {case_id: nearest.case_id for case_id, nearest in pairs if nearest.copy}


def told_apart(measured: Measured) -> bool | None:
    """Whether the value that real cases have among themselves lies outside the interval, on the better side of it.

    None where there is no such value.
    """
    if measured.floor is None:
        return None
    better_below, better_above = measured.floor < measured.low, measured.floor > measured.high
    return {"lower": better_below, "higher": better_above, "like real": better_below or better_above}[measured.better]


def place(measured: Measured, value: float) -> float | None:
    """Where a value lies on the way from the floor (0) to the ceiling (1).

    None without these, and where so few cases were measured that noise came out no worse than real ones. Of metrics
    whose low values are good, the roots are compared, since most of them are squared distances.
    """
    if measured.floor is None or measured.ceiling is None:
        return None
    ends = [measured.floor, value, measured.ceiling]
    if measured.better == "lower":
        ends = [max(end, 0.0) ** 0.5 for end in ends]
    floor, value, ceiling = ends
    noise_is_worse = ceiling < floor if measured.better == "higher" else ceiling > floor
    return min(max((value - floor) / (ceiling - floor), 0.0), 1.0) if noise_is_worse else None


def in_plain_words(comparison: Comparison) -> list[str]:
    """What was found, for people who don't read tables: one sentence or two on each question."""
    judged = {name: one for name, one in comparison.measurements.items() if not name.startswith("copies")}
    told = {name: verdict for name, one in judged.items() if (verdict := told_apart(one)) is not None}
    apart = {name: judged[name] for name, verdict in told.items() if verdict}
    few = min(comparison.n_real, comparison.n_synthetic)
    if not apart:
        first = f"None of {len(told)} metrics tells the synthetic images from real ones. With {few} images that is no "
        first += "proof that they are alike."
    else:
        clearest = max(apart, key=lambda name: place(apart[name], apart[name].value) or 0.0)
        first = f"{len(apart)} of {len(told)} metrics tell the synthetic images from real ones, most clearly "
        first += f"{clearest.partition('/')[0]}."
        if len(apart) <= BY_CHANCE * len(told):
            first += " Chance alone would make that many of equal sets."
        elif len(apart) < len(told):
            first += " That the others don't is no proof: they may need more images."
    return [first, _on_lesions(comparison), _on_copies(comparison)]


def _on_lesions(comparison: Comparison) -> str:
    table = comparison.lesions
    if table is None:
        return ""
    differing = table[table["verdict"] == "differs"]
    names = [f"{row.property} of {row.label}" for row in differing.itertuples()]
    if not names:
        return f"No difference between real and synthetic lesions was shown in {len(table)} properties."
    return f"Synthetic lesions differ from real ones in {len(names)} of {len(table)} properties: {', '.join(names)}."


def _on_copies(comparison: Comparison) -> str:
    if comparison.audit is None:
        return "Nothing here notices copies: a set of copied real images would look best of all."
    if not comparison.copies:
        return "No synthetic image looks like a copy of a real one, pixel by pixel."
    case_id, nearest = next(iter(comparison.copies.items()))
    return (
        f"{len(comparison.copies)} of {comparison.n_synthetic} synthetic images look like copies of real ones, the "
        f"closest is {case_id} of {nearest}. Among real images that copy none, up to "
        f"{comparison.audit.spaces['pixels'].stated_rate:.0%} may look so, too."
    )
