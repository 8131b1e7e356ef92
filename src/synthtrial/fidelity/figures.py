"""The figures of the fidelity stage."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from synthtrial.fidelity.audit.report import Audit
from synthtrial.fidelity.cases import Cases, common_window
from synthtrial.fidelity.pictures.closest_pairs import closest_pairs_page, distance_figure
from synthtrial.fidelity.pictures.intensities import intensity_figure, intensity_histograms
from synthtrial.fidelity.pictures.lesions import lesion_figure
from synthtrial.fidelity.pictures.pages import sample_page
from synthtrial.fidelity.pictures.slices import slice_gif
from synthtrial.fidelity.pictures.spectra import (
    SMALLEST_AXIS,
    blur,
    checkerboard,
    grid_power,
    power_spectra,
    spectrum_figure,
)
from synthtrial.fidelity.pictures.style import save

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from synthtrial.fidelity.compared import Compared

SPECTRUM_BINS = 24
IN_MOTION = 3
"""Cases of each kind whose slices are shown as an animation; more would make reports of many generators huge."""
CLOSEST = 6
"""Pairs on the page of closest pairs."""


@dataclass(frozen=True)
class Lesions:
    """Lesion tables of the real and the synthetic cases, and the tests between them."""

    real: pd.DataFrame
    synthetic: pd.DataFrame
    tests: pd.DataFrame


def draw(
    compared: Compared,
    found: Audit,
    lesions: Lesions | None,
    walk: Figure | None,
    settings: dict[str, Any],
    seed: int,
    folder: Path,
) -> dict[str, Any]:
    """Draw all figures into a folder; return the numbers that they show and no table has: `spectra`."""
    real, synthetic = compared.real, compared.synthetic
    folder.mkdir()
    save(_intensities(real, synthetic, settings["bins"]), folder / "intensities.png")
    if lesions is not None:
        save(lesion_figure(lesions.real, lesions.synthetic, lesions.tests), folder / "lesions.png")
    rng = np.random.default_rng(seed)
    count = min(settings["page_cases"], len(real), len(synthetic))
    shown_real, shown_synthetic = (_some(cases, count, rng) for cases in (real, synthetic))
    save(sample_page(shown_real, shown_synthetic), folder / "samples.png")
    slice_gif(_first(shown_real), _first(shown_synthetic), folder / "slices.gif")
    save(
        closest_pairs_page(found.closest("pixels", CLOSEST), compared.training, synthetic), folder / "closest_pairs.png"
    )
    save(distance_figure(found), folder / "nearest_distances.png")
    if walk is not None:
        save(walk, folder / "walk.png")
    return {"spectra": _draw_spectra(real, synthetic, folder / "spectra.png")}


def _intensities(real: Cases, synthetic: Cases, bins: int) -> Any:
    window, unit = common_window(real)
    histograms = intensity_histograms(real, bins), intensity_histograms(synthetic, bins)
    count = histograms[0].shape[1]
    channels = ["intensity"] if count == 1 else [f"intensity of channel {k + 1}" for k in range(count)]
    return intensity_figure(*histograms, channels, window, unit)


def _draw_spectra(real: Cases, synthetic: Cases, path: Path) -> dict[str, float | None]:
    long_enough = max(real.source.shape) >= SMALLEST_AXIS
    frequencies, of_real = power_spectra(real, SPECTRUM_BINS)
    _, of_synthetic = power_spectra(synthetic, SPECTRUM_BINS)
    save(spectrum_figure(frequencies, of_real, of_synthetic, real.source.spacing_mm), path)
    return {
        "blur": blur(of_real, of_synthetic, frequencies, real.source.spacing_mm),
        "checkerboard": checkerboard(grid_power(real), grid_power(synthetic)) if long_enough else None,
    }


def _first(cases: Cases) -> Cases:
    return Cases(cases.source, cases.case_ids[:IN_MOTION])


def _some(cases: Cases, count: int, rng: np.random.Generator) -> Cases:
    """A few cases at random, in order of their ids."""
    chosen = sorted(rng.choice(cases.case_ids, count, replace=False).tolist())
    return Cases(cases.source, tuple(chosen))
