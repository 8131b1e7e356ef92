from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from gans.small_gans import read_config
from synthesis.untrained_model import write_model
from synthtrial.atomic import write_json
from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.errors import ConfigError
from synthtrial.fidelity.pictures.style import save
from synthtrial.fidelity.pictures.walk import latent_walk, slerp
from synthtrial.gans.model import build, load_generator, save_generator


def write_family(folder: Path, cohort: PreparedCohort, config: dict[str, Any]) -> Path:
    """An untrained model of any family, as `train_gan` leaves it behind."""
    folder.mkdir()
    torch.manual_seed(0)
    shape = list(cohort.shape)
    representation = {
        "_target_": "synthtrial.cohorts.representations.channels.Channels",
        "labels": cohort.labels,
        "image_channels": 1,
        "shape": shape,
        "padded_shape": shape,
    }
    config = config | {"image_size": shape, "image_channels": 1 + len(cohort.labels)}
    model = {
        "generator": "untrained",
        "config": config,
        "representation": representation,
        "seen_cases": cohort.development,
        "seed": 0,
    }
    weights = save_generator(build(config), folder / "generator.safetensors")
    write_json(folder / "model.json", model | {"weights_sha256": weights})
    return folder


def pictures(figure: Figure, columns: int) -> list[list[np.ndarray]]:
    """The picture of each axes, by row and column."""
    shown = [np.asarray(axes.get_images()[0].get_array()) for axes in figure.axes]
    return [shown[k : k + columns] for k in range(0, len(shown), columns)]


def titles(figure: Figure) -> list[str]:
    return [axes.get_title() for axes in figure.axes]


@pytest.mark.parametrize("shape", [(16, 16, 16), (16, 32)], ids=["3D", "2D"])
def test_a_walk_goes_gradually_from_one_draw_to_another(
    shape: tuple[int, ...], make_cohort: Callable[..., PreparedCohort], tmp_path: Path
) -> None:
    cohort = make_cohort(shape=shape)
    figure = latent_walk(write_model(tmp_path / "model", cohort), cohort, steps=9, rows=2, seed=0)
    assert figure is not None and titles(figure)[:3] == ["0", "0.12", "0.25"] and titles(figure)[8] == "1"
    walks = pictures(figure, 9)
    assert len(walks) == 2
    for walk in walks:
        from_first = [np.abs(picture - walk[0]).mean() for picture in walk]
        assert from_first[1] < from_first[4] < from_first[8]
        steps = [np.abs(b - a).mean() for a, b in zip(walk, walk[1:], strict=False)]
        assert max(steps) < 0.6 * from_first[8]
    assert np.abs(walks[0][0] - walks[1][0]).mean() > 0.01


def test_the_same_seed_gives_the_same_bytes(make_cohort: Callable[..., PreparedCohort], tmp_path: Path) -> None:
    cohort = make_cohort(shape=(16, 16))
    model = write_model(tmp_path / "model", cohort)
    for name, seed in (("a.png", 3), ("b.png", 3), ("c.png", 4)):
        figure = latent_walk(model, cohort, steps=3, rows=1, seed=seed)
        assert figure is not None
        save(figure, tmp_path / name)
    a, b, c = ((tmp_path / f"{name}.png").read_bytes() for name in "abc")
    assert a == b != c


def test_an_encoder_walks_between_real_cases_of_one_class(
    make_cohort: Callable[..., PreparedCohort], tmp_path: Path
) -> None:
    cohort = make_cohort(shape=(32, 32, 32), classes=("benign", "malignant"))
    config = read_config("hagan", latent=8, width=16, classes=["benign", "malignant"])
    model = write_family(tmp_path / "model", cohort, config)
    figure = latent_walk(model, cohort, steps=3, rows=2, seed=0)
    assert figure is not None and len(figure.axes) == 10
    for row, walk in enumerate(pictures(figure, 5)):
        first, *_, last = titles(figure)[5 * row : 5 * row + 5]
        assert first != last and cohort.cases.at[first, "label"] == cohort.cases.at[last, "label"]
        for case_id, picture in ((first, walk[0]), (last, walk[-1])):
            slices = cohort.image(case_id)[0].transpose(2, 1, 0)[:, ::-1, ::-1]
            assert (np.abs(slices - picture).max(axis=(1, 2)) == 0).any()


def test_an_encoders_first_step_is_what_it_reconstructs(
    make_cohort: Callable[..., PreparedCohort], tmp_path: Path
) -> None:
    cohort = make_cohort(shape=(32, 32, 32))
    model = write_family(tmp_path / "model", cohort, read_config("hagan", latent=8, width=16))
    figure = latent_walk(model, cohort, steps=2, rows=1, seed=0)
    assert figure is not None
    case_id = titles(figure)[0]
    mask = np.where(cohort.mask(case_id) > 0, 1, -1)[None].astype(np.float32)
    encoded = torch.from_numpy(np.concatenate([cohort.image(case_id), mask]))[None]
    again = load_generator(model).reconstruct(encoded)
    assert again is not None
    slices = again[0, 0].numpy().transpose(2, 1, 0)[:, ::-1, ::-1]
    shown = pictures(figure, 4)[0][1]
    assert np.abs(slices - shown).max(axis=(1, 2)).min() < 1e-5


@pytest.mark.parametrize("family", ["pix2pix", "cyclegan"])
def test_translators_have_no_latent(family: str, make_cohort: Callable[..., PreparedCohort], tmp_path: Path) -> None:
    cohort = make_cohort(shape=(32, 32), classes=("benign", "malignant"))
    config = read_config(family, spatial_dims=2)
    if family == "pix2pix":
        config["mask_channels"] = 1
    model = write_family(tmp_path / "model", cohort, config)
    assert latent_walk(model, cohort, steps=3, rows=1, seed=0) is None


def test_a_walk_without_steps_is_refused(make_cohort: Callable[..., PreparedCohort], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="at least 2 steps and 1 row"):
        latent_walk(tmp_path, make_cohort(), steps=1, rows=1, seed=0)


def test_noise_stays_as_long_as_noise_is() -> None:
    first, last = torch.randn(2, 1, 512, generator=torch.Generator().manual_seed(0))
    for share in (0.0, 0.3, 0.5, 1.0):
        assert slerp(first, last, share).norm() == pytest.approx(512**0.5, rel=0.1)
    torch.testing.assert_close(slerp(first, last, 0.0), first)
    torch.testing.assert_close(slerp(first, last, 1.0), last)
    torch.testing.assert_close(slerp(first, 3 * first, 0.5), 2 * first)
