from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.fidelity.cases import Cases
from synthtrial.fidelity.pictures.intensities import intensity_figure, intensity_histograms
from synthtrial.fidelity.pictures.style import COLOURS


def test_histograms_are_shares(make_cohort: Callable[..., PreparedCohort]) -> None:
    cohort = make_cohort()
    shares = intensity_histograms(Cases(cohort, tuple(cohort.test)), bins=10)
    assert shares.shape == (3, 1, 10)
    assert np.allclose(shares.sum(axis=-1), 1)


@pytest.mark.parametrize("shape", [(16, 16), (8, 8, 8)])
def test_every_voxel_is_counted_in_the_bin_of_its_value(
    shape: tuple[int, ...], make_cohort: Callable[..., PreparedCohort]
) -> None:
    cohort = make_cohort(shape=shape)
    image = cohort.image(cohort.test[0])
    shares = intensity_histograms(Cases(cohort, (cohort.test[0],)), bins=4)[0, 0]
    expected = [((image >= low) & (image < low + 0.5)).mean() for low in (-1, -0.5, 0, 0.5)]
    assert shares == pytest.approx(expected)


def test_a_panel_per_channel_in_the_unit_of_the_window_and_the_colours_of_real_and_synthetic() -> None:
    rng = np.random.default_rng(0)
    real, synthetic = rng.dirichlet(np.ones(20), (5, 2)), rng.dirichlet(np.ones(20), (4, 2))
    figure = intensity_figure(real, synthetic, ["CT", "PET"], (-1000, 600), "HU")
    assert [axes.get_xlabel() for axes in figure.axes] == ["CT, HU", "PET, HU"]
    lines = figure.axes[0].get_lines()
    assert [line.get_color() for line in lines] == [COLOURS["real"], COLOURS["synthetic"]]
    assert [line.get_label() for line in lines] == ["real (n = 5)", "synthetic (n = 4)"]
    assert np.asarray(lines[0].get_xdata())[[0, -1]] == pytest.approx([-960, 560])
    assert np.asarray(lines[0].get_ydata()) == pytest.approx(100 * np.median(real[:, 0], axis=0))
