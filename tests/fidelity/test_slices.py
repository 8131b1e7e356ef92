from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.fidelity.cases import Cases
from synthtrial.fidelity.pictures.slices import BAR, HEADER, MOST_FRAMES, slice_gif
from synthtrial.fidelity.pictures.style import LABEL_COLOURS

ORANGE = tuple(int(LABEL_COLOURS[0][k : k + 2], 16) for k in (1, 3, 5))


def halves(cohort: PreparedCohort, n: int = 3) -> tuple[Cases, Cases]:
    ids = cohort.development
    return Cases(cohort, tuple(ids[:n])), Cases(cohort, tuple(ids[n : 2 * n]))


def frames(path: Path) -> np.ndarray:
    """All frames `(n, rows, columns, 3)`."""
    with Image.open(path) as gif:
        pages = []
        for k in range(gif.n_frames):  # type: ignore[attr-defined]
            gif.seek(k)
            pages.append(np.array(gif.convert("RGB")))
    return np.stack(pages)


def test_a_frame_per_slice_real_at_the_left_and_the_lesion_where_it_is(
    make_cohort: Callable[..., PreparedCohort], tmp_path: Path
) -> None:
    cohort = make_cohort(shape=(12, 12, 20))
    real, synthetic = halves(cohort, 1)
    assert slice_gif(real, synthetic, tmp_path / "slices.gif")
    shown = frames(tmp_path / "slices.gif")
    assert shown.shape == (20, HEADER + 120 + 3 + BAR, 2 * 120 + 14, 3)
    for side, cases in ((shown[:, :, :120], real), (shown[:, :, -120:], synthetic)):
        outlined = (side[:, HEADER:-BAR] == ORANGE).all(axis=-1)
        mask = next(cases.masks()) > 0
        assert (outlined.any(axis=(1, 2)) == mask.any(axis=(0, 1))).all()
        # radiological: x and y grow to the left and up
        centre = np.argwhere(mask).mean(axis=0)[:2]
        row, column = np.argwhere(outlined).mean(axis=0)[1:]
        assert (119.5 - column) / 10 - 0.5 == pytest.approx(centre[0], abs=0.5)
        assert (119.5 - row) / 10 - 0.5 == pytest.approx(centre[1], abs=0.5)


def test_greys_are_those_of_the_image(make_cohort: Callable[..., PreparedCohort], tmp_path: Path) -> None:
    cohort = make_cohort(labels=())
    real, synthetic = halves(cohort, 1)
    slice_gif(real, synthetic, tmp_path / "slices.gif", tile_px=16)
    shown = frames(tmp_path / "slices.gif")[:, HEADER : HEADER + 16, :16, 0]
    expected = (next(real.images())[0][::-1, ::-1].transpose(2, 1, 0) + 1) / 2 * 255
    assert np.abs(shown - expected).max() <= 5


def test_names_and_the_bar(make_cohort: Callable[..., PreparedCohort], tmp_path: Path) -> None:
    slice_gif(*halves(make_cohort()), tmp_path / "slices.gif")
    shown = frames(tmp_path / "slices.gif").astype(int)
    half = shown.shape[2] // 2
    left, right = shown[0, :HEADER, :half], shown[0, :HEADER, half:]
    assert (left[..., 2] - left[..., 0]).max() > 100 > 0 == max((left[..., 0] - left[..., 2]).max(), 0)
    assert (right[..., 0] - right[..., 2]).max() > 100
    dark = (shown[:, -1, :, 0] < 128).mean(axis=1)
    assert dark == pytest.approx((np.arange(16) + 1) / 16, abs=0.01)


def test_the_same_cases_give_the_same_bytes(make_cohort: Callable[..., PreparedCohort], tmp_path: Path) -> None:
    cohort = make_cohort(labels=("tumour", "node"))
    for name in ("a.gif", "b.gif"):
        slice_gif(*halves(cohort), tmp_path / name)
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()


def test_deep_volumes_skip_slices_and_large_ones_shrink(
    make_cohort: Callable[..., PreparedCohort], tmp_path: Path
) -> None:
    cohort = make_cohort(shape=(24, 48, 150), n_cases=6)
    slice_gif(*halves(cohort, 1), tmp_path / "slices.gif", tile_px=32)
    shown = frames(tmp_path / "slices.gif")
    assert shown.shape[:2] == (MOST_FRAMES, HEADER + 32 + 3 + BAR)
    assert shown.shape[2] == 2 * 16 + 14


def test_twelve_noisy_cases_stay_small(make_cohort: Callable[..., PreparedCohort], tmp_path: Path) -> None:
    cohort = make_cohort(shape=(32, 32, 32))
    slice_gif(*halves(cohort, 6), tmp_path / "slices.gif")
    assert (tmp_path / "slices.gif").stat().st_size < 1.5e6


def test_2d_cohorts_have_no_slices(make_cohort: Callable[..., PreparedCohort], tmp_path: Path) -> None:
    assert not slice_gif(*halves(make_cohort(shape=(16, 16))), tmp_path / "slices.gif")
    assert not (tmp_path / "slices.gif").exists()
