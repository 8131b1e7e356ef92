from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthtrial.errors import SynthtrialError
from synthtrial.fidelity.cases import Cases
from synthtrial.fidelity.lesion_tests import compare_lesions, larger_share
from synthtrial.fidelity.lesions import circularity, lesion_table, lesion_tables, sphericity
from synthtrial.fidelity.pictures.lesions import lesion_figure
from synthtrial.fidelity.pictures.style import save


class HandMade:
    """Cases in memory: images in [-1, 1] and masks, on a grid of 1 x 1 (x 2) mm unless told."""

    def __init__(
        self, images: Sequence[np.ndarray], masks: Sequence[np.ndarray], spacing_mm: tuple[float, ...] | None = None
    ) -> None:
        self.labels = ["core", "rim"]
        self.shape = masks[0].shape
        self.spacing_mm = spacing_mm or (1.0, 1.0, 2.0)[: masks[0].ndim]
        self.unit = "HU"
        self.windows = [(-1000.0, 1000.0)] * len(masks)
        self._images, self._masks = images, masks

    def window(self, case_id: str) -> tuple[float, float]:
        return self.windows[int(case_id)]

    def image(self, case_id: str) -> np.ndarray:
        return self._images[int(case_id)]

    def mask(self, case_id: str) -> np.ndarray:
        return self._masks[int(case_id)]

    def cases(self) -> Cases:
        return Cases(self, tuple(str(k) for k in range(len(self._masks))))


def one_case(mask: np.ndarray, image: np.ndarray | None = None, **settings) -> HandMade:
    return HandMade([np.zeros((1, *mask.shape), np.float32) if image is None else image], [mask], **settings)


def ball(radius_mm: float, spacing_mm: Sequence[float], voxels: int = 40) -> np.ndarray:
    grid = np.indices((voxels,) * len(spacing_mm)) - (voxels - 1) / 2
    distance = sum((axis * edge) ** 2 for axis, edge in zip(grid, spacing_mm, strict=True))
    return distance <= radius_mm**2


def test_volumes_counts_and_centres_by_hand() -> None:
    mask = np.zeros((10, 20, 8), np.uint8)
    mask[0:2, 0:3, 0:4] = 1  # 24 voxels of 2 mm3
    mask[2, 3, 4] = 1  # touches at a corner: still the same
    mask[6, 15, 6] = 1
    core, rim = lesion_table(one_case(mask).cases()).to_dict("records")
    assert (core["label"], rim["label"]) == ("core", "rim")
    assert core["volume_ml"] == pytest.approx(26 * 2 / 1000)
    assert core["count"] == 2 and core["largest_ml"] == pytest.approx(25 * 2 / 1000)
    x = (24 * 1.0 + 2.5 + 6.5) / 26 / 10
    assert core["centre_x"] == pytest.approx(x)
    assert rim["volume_ml"] == 0 and rim["count"] == 0
    assert all(np.isnan(rim[name]) for name in ("largest_ml", "sphericity", "centre_x", "centre_z", "contrast"))


def test_contrast_is_the_difference_to_the_shell_in_the_unit() -> None:
    mask = np.zeros((24, 24, 16), np.uint8)
    mask[8:12, 8:12, 6:9] = 1
    mask[12, 8:12, 6:9] = 2  # beside it: not part of the surroundings
    image = np.full((1, *mask.shape), 0.9, np.float32)  # far away, must not count
    image[0, 5:15, 5:15, 4:11] = -0.3
    image[0][mask == 1], image[0][mask == 2] = 0.2, 1.0
    core, _ = lesion_table(one_case(mask, image).cases(), shell_mm=3).to_dict("records")
    assert core["contrast"] == pytest.approx(0.5 * 1000) and core["contrast_unit"] == "HU"
    scaled, _ = lesion_table(one_case(mask, image).cases(), shell_mm=3, scaled=True).to_dict("records")
    assert scaled["contrast"] == pytest.approx(0.5) and "[-1, 1]" in scaled["contrast_unit"]


def test_a_shell_thinner_than_a_voxel_holds_the_neighbours() -> None:
    mask = np.zeros((9, 9), np.uint8)
    mask[4, 4] = 1
    image = np.zeros((2, 9, 9), np.float32)
    image[:, 4, 4] = 0.5, -0.5
    core, _ = lesion_table(one_case(mask, image, spacing_mm=(3, 10)).cases(), shell_mm=1).to_dict("records")
    assert (core["contrast_1"], core["contrast_2"]) == (pytest.approx(500), pytest.approx(-500))
    everywhere, _ = lesion_table(one_case(np.ones((9, 9), np.uint8), image).cases()).to_dict("records")
    assert np.isnan(everywhere["contrast_1"])


def test_roundness_of_balls_and_boxes_whatever_the_spacing() -> None:
    assert sphericity(ball(15, (1, 1, 1)), (1, 1, 1)) == pytest.approx(0.92, abs=0.02)
    assert sphericity(ball(15, (1, 1, 2)), (1, 1, 2)) == pytest.approx(0.92, abs=0.02)
    assert sphericity(ball(15, (1, 1, 1)), (1, 1, 3)) < 0.8
    box = np.zeros((40, 40, 40), bool)
    box[5:35, 5:35, 5:35] = True
    assert sphericity(box, (1, 1, 1)) == pytest.approx((np.pi / 6) ** (1 / 3), abs=0.02)
    assert circularity(ball(15, (1, 1)), (1, 1)) == pytest.approx(0.91, abs=0.03)
    assert circularity(ball(15, (1, 2)), (1, 2)) == pytest.approx(0.91, abs=0.04)
    assert circularity(box[10], (1, 1)) == pytest.approx(np.pi / 4, abs=0.02)
    ring = ball(15, (1, 1)) & ~ball(9, (1, 1))
    exact = (15**2 - 9**2) / (15 + 9) ** 2
    assert circularity(ring, (1, 1)) == pytest.approx(0.91 * exact, rel=0.05)
    single = np.zeros((5, 5, 5), bool)
    single[2, 2, 2] = True
    assert 0 < sphericity(single, (1, 1, 1)) < 1 and 0 < circularity(single[2], (1, 1)) < 1


def random_cases(n: int, seed: int, radius: float = 4, contrast: float = 0.5, dims: int = 3) -> HandMade:
    rng = np.random.default_rng(seed)
    masks, images = [], []
    for _ in range(n):
        region = ball(radius + rng.uniform(-1, 1), (1.0,) * dims, voxels=20)
        masks.append(np.roll(region, rng.integers(-2, 3, dims), tuple(range(dims))).astype(np.uint8))
        images.append((-0.5 + contrast * masks[-1] + rng.normal(0, 0.1, masks[-1].shape)).astype(np.float32)[None])
    return HandMade(images, masks)


def test_the_property_that_was_changed_differs_and_the_others_do_not() -> None:
    real = random_cases(30, seed=0)
    verdicts = {}
    for name, other in (("same", {}), ("larger", {"radius": 5.5}), ("fainter", {"contrast": 0.3})):
        tests = compare_lesions(*lesion_tables(real.cases(), random_cases(30, seed=1, **other).cases()))
        core = tests[tests["label"] == "core"].set_index("property")
        verdicts[name] = {*core.index[core["verdict"] == "differs"]}
        assert {*tests.loc[tests["label"] == "rim", "verdict"]} <= {"alike", "too few"}
        assert (core["p_adjusted"] >= core["p"]).all() and "largest_ml" not in core.index
        if name == "fainter":
            assert core.at["contrast", "auc"] < 0.05 and core.at["contrast", "median_real"] == pytest.approx(
                500, abs=50
            )
        assert (core["auc_low"] < core["auc"] + 1e-9).all() and (core["auc_high"] > core["auc"] - 1e-9).all()
    assert verdicts["same"] == set() and verdicts["fainter"] == {"contrast"}
    assert "volume_ml" in verdicts["larger"] and "contrast" not in verdicts["larger"]


def test_missing_lesions_show_in_the_count_and_too_few_are_not_tested() -> None:
    real, synthetic = random_cases(12, seed=0), random_cases(12, seed=1)
    for mask in synthetic._masks[:9]:
        mask[:] = 0
    tests = compare_lesions(*lesion_tables(real.cases(), synthetic.cases())).set_index(["label", "property"])
    assert tests.at[("core", "count"), "verdict"] == "differs"
    row = tests.loc[("core", "sphericity")]
    assert row["verdict"] == "too few" and row["n_synthetic"] == 3 and np.isnan(row["p_adjusted"])


def test_no_more_false_alarms_than_stated() -> None:
    rng = np.random.default_rng(0)
    alarms = 0
    for _ in range(100):
        tables = [
            pd.DataFrame(
                {"case_id": range(20), "patient_id": range(20), "label": "core", "contrast_unit": "HU"}
            ).assign(count=1.0, **{f"p{k}": rng.normal(0, 1, 20) for k in range(5)})
            for _ in range(2)
        ]
        alarms += (compare_lesions(*tables)["verdict"] == "differs").any()
    assert alarms <= 10


def test_the_interval_of_the_auc_holds_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    truth = 0.8555778  # of two normal distributions 1.5 deviations apart
    intervals = [larger_share(rng.normal(0, 1, 15), rng.normal(1.5, 1, 20))[1:] for _ in range(300)]
    assert np.mean([low <= truth <= high for low, high in intervals]) == pytest.approx(0.95, abs=0.035)
    apart = larger_share(np.arange(5.0), np.arange(10.0, 15.0))
    assert apart[0] == 1 and 0.4 < apart[1] < 0.8 and apart[2] == 1
    mirrored = larger_share(np.arange(10.0, 15.0), np.arange(5.0))
    assert mirrored == pytest.approx((0, 0, 1 - apart[1]), abs=1e-6)


def test_windows_that_differ_are_refused_or_scaled() -> None:
    real, synthetic = random_cases(5, seed=0), random_cases(5, seed=1)
    real.windows[0] = (0.0, 100.0)
    with pytest.raises(SynthtrialError, match="scaled=True"):
        lesion_table(real.cases())
    tables = lesion_tables(real.cases(), synthetic.cases())
    assert {table["contrast_unit"].iloc[0] for table in tables} == {"scaled to [-1, 1]"}
    with pytest.raises(SynthtrialError, match="HU and scaled"):
        compare_lesions(tables[0], lesion_table(synthetic.cases()))
    with pytest.raises(SynthtrialError, match="same"):
        compare_lesions(tables[0], tables[1][tables[1]["label"] == "core"])


def test_centres_are_shown_on_the_whole_field_of_view() -> None:
    """Even where some lie near its edge: a logarithmic axis would have no room for 0."""
    tables = [
        pd.DataFrame({"label": "core", "contrast_unit": "HU", "centre_x": np.linspace(0.01, 0.9, 8), "count": 1.0})
        for _ in range(2)
    ]
    figure = lesion_figure(*tables, compare_lesions(*tables))
    panel = next(axes for axes in figure.axes if axes.get_xlabel() == "share of the field of view")
    assert panel.get_xscale() == "linear" and panel.get_xlim() == (0, 1)


@pytest.mark.parametrize("dims", [2, 3])
def test_the_figure_has_a_panel_for_each_tested_property(dims: int, tmp_path: Path) -> None:
    tables = lesion_tables(random_cases(6, 0, dims=dims).cases(), random_cases(6, 1, dims=dims).cases())
    tests = compare_lesions(*tables)
    figure = lesion_figure(*tables, tests)
    shown = [axes for axes in figure.axes if axes.axison]
    assert len(shown) == len(tests) and all(axes.get_xlabel() for axes in shown)
    save(figure, tmp_path / "a.png")
    save(lesion_figure(*tables, tests), tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
