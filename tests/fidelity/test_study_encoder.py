from __future__ import annotations

import dataclasses
import shutil
import weakref
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import yaml

from synthtrial import params
from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.errors import ConfigError, SynthtrialError
from synthtrial.fidelity.cases import Cases
from synthtrial.fidelity.features.encoder_network import Autoencoder
from synthtrial.fidelity.features.extractor import FeatureExtractor, LearnedExtractor, extract_features
from synthtrial.fidelity.features.study_encoder import LEAST_CASES, StudyEncoder

CONF = Path(__file__).resolve().parents[2] / "conf" / "fidelity" / "features" / "study_encoder.yaml"
QUICK = {"steps": 3, "width": 2, "levels": 3, "batch_size": 4, "patches": 24}
MakeCohort = Callable[..., PreparedCohort]


def real_cases(make_cohort: MakeCohort, **settings) -> Cases:
    cohort = make_cohort(**settings)
    return Cases(cohort, tuple(cohort.development))


def learned(cases: Cases, cache: Path, **settings) -> StudyEncoder:
    encoder = StudyEncoder(**({"spatial_dims": len(cases.source.shape)} | QUICK | settings))
    encoder.learn(cases, cache)
    return encoder


def only_file(cache: Path) -> Path:
    (path,) = cache.iterdir()
    return path


@pytest.mark.parametrize("shape", [(16, 16), (19, 33), (16, 16, 16), (9, 17, 4)])
def test_every_view_of_every_case_has_features(make_cohort: MakeCohort, tmp_path: Path, shape: tuple[int, ...]) -> None:
    cases = real_cases(make_cohort, shape=shape, labels=("lesion", "core"))
    encoder = learned(cases, tmp_path / "cache")
    assert isinstance(encoder, FeatureExtractor) and isinstance(encoder, LearnedExtractor)
    features = extract_features(encoder, cases, batch_size=5)
    per_channel = 2 * (2 + 4 + 8)
    assert {view: values.shape for view, values in features.items()} == {
        "image": (12, per_channel),
        "mask": (12, 2 * per_channel),
        "pair": (12, 2 * per_channel),
    }
    assert all(values.dtype == np.float64 and np.isfinite(values).all() for values in features.values())


def test_features_do_not_depend_on_the_batch(make_cohort: MakeCohort, tmp_path: Path) -> None:
    cases = real_cases(make_cohort)
    encoder = learned(cases, tmp_path / "cache")
    together, one_by_one = (extract_features(encoder, cases, batch_size=n)["image"] for n in (12, 1))
    assert (together == one_by_one).all()


def test_equal_cases_and_settings_give_equal_bytes_whatever_else_is_random(
    make_cohort: MakeCohort, tmp_path: Path
) -> None:
    cases = real_cases(make_cohort)
    state = torch.random.get_rng_state()
    learned(cases, tmp_path / "first")
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.manual_seed(77)
    learned(cases, tmp_path / "second")
    first, second = only_file(tmp_path / "first"), only_file(tmp_path / "second")
    assert first.name == second.name and first.read_bytes() == second.read_bytes()


def test_a_second_generator_reads_what_the_first_one_learned(make_cohort: MakeCohort, tmp_path: Path) -> None:
    cases = real_cases(make_cohort)
    encoder = learned(cases, tmp_path / "cache")
    before = only_file(tmp_path / "cache").stat().st_mtime_ns
    again = learned(cases, tmp_path / "cache")
    assert only_file(tmp_path / "cache").stat().st_mtime_ns == before
    images = np.stack(list(cases.images()))
    assert (encoder(images) == again(images)).all()


def test_other_settings_cases_or_pixels_are_learned_anew(make_cohort: MakeCohort, tmp_path: Path) -> None:
    cases, cache = real_cases(make_cohort), tmp_path / "cache"
    learned(cases, cache)
    learned(cases, cache, seed=1)
    learned(dataclasses.replace(cases, case_ids=cases.case_ids[1:], patients=()), cache)
    path = cases.source.folder / "images" / f"{cases.case_ids[3]}.npy"  # type: ignore[attr-defined]
    pixels = np.load(path)
    pixels[0, 0, 0, 0] += 1
    np.save(path, pixels)
    learned(cases, cache)
    assert len(list(cache.iterdir())) == 4


def test_training_sees_no_case_but_the_given_ones(make_cohort: MakeCohort, tmp_path: Path) -> None:
    cases = real_cases(make_cohort)
    learned(cases, tmp_path / "whole")
    for case_id in cases.source.test:  # type: ignore[attr-defined]
        (cases.source.folder / "images" / f"{case_id}.npy").unlink()  # type: ignore[attr-defined]
    learned(cases, tmp_path / "without")
    assert only_file(tmp_path / "whole").read_bytes() == only_file(tmp_path / "without").read_bytes()


def test_it_learns_to_rebuild_what_it_sees(make_cohort: MakeCohort, tmp_path: Path) -> None:
    cases = real_cases(make_cohort, shape=(16, 16))
    images = torch.from_numpy(np.stack(list(cases.images())))
    errors = []  # of grey values; much of the texture is noise, which no bottleneck lets through
    for steps in (1, 100):
        network = learned(cases, tmp_path / "cache", steps=steps, width=8).network
        assert network is not None
        seen = network.seen(images)
        errors.append(float((network(seen) - seen)[:, 0].abs().mean()))
    assert errors[1] < 0.6 * errors[0]


def test_calibration_has_the_activations_of_one_image_in_memory() -> None:
    network = Autoencoder(2, 2, 2, torch.Generator())
    seen: list[weakref.ref[torch.Tensor]] = []
    alive = []

    def look(_: torch.nn.Module, inputs: tuple[torch.Tensor]) -> None:
        seen.append(weakref.ref(inputs[0]))
        alive.append(sum(one() is not None for one in seen))

    network.encoder[1].register_forward_pre_hook(look)
    network.calibrate(torch.rand(9, 1, 16, 16, generator=torch.Generator()))
    assert len(alive) == 9 and max(alive) <= 2


def test_large_images_are_averaged_first(make_cohort: MakeCohort, tmp_path: Path) -> None:
    cases = real_cases(make_cohort)
    encoder = learned(cases, tmp_path / "cache", largest=8**3)
    image = np.stack(list(cases.images()))[:1]
    blocks = image.reshape(1, 1, 8, 2, 8, 2, 8, 2).mean(axis=(3, 5, 7))
    assert np.allclose(encoder(image), encoder(blocks), rtol=1e-5, atol=1e-5)


def test_before_learning_there_are_no_features() -> None:
    with pytest.raises(SynthtrialError, match="call learn"):
        StudyEncoder(spatial_dims=2)(np.zeros((1, 1, 16, 16), np.float32))


def test_too_few_cases_are_refused(make_cohort: MakeCohort, tmp_path: Path) -> None:
    cases = real_cases(make_cohort)
    few = Cases(cases.source, cases.case_ids[: LEAST_CASES - 1])
    with pytest.raises(SynthtrialError, match="at least 8 real cases, here are 7"):
        learned(few, tmp_path / "cache")


def test_images_of_other_dimensions_are_refused(make_cohort: MakeCohort, tmp_path: Path) -> None:
    with pytest.raises(SynthtrialError, match="built for 2D images"):
        learned(real_cases(make_cohort), tmp_path / "cache", spatial_dims=2)


def test_an_image_with_nan_is_named_and_nothing_is_cached(tmp_path: Path) -> None:
    source = SimpleNamespace(
        labels=[],
        shape=(16, 16),
        image=lambda case_id: np.full((1, 16, 16), np.nan if case_id == "c3" else 0, np.float32),
        mask=lambda _: np.zeros((16, 16), np.uint8),
    )
    with pytest.raises(SynthtrialError, match="image c3 has NaN"):
        learned(Cases(source, tuple(f"c{k}" for k in range(9))), tmp_path / "cache")  # type: ignore[arg-type]
    assert not (tmp_path / "cache").exists()


def test_broken_weights_are_told_and_not_used(make_cohort: MakeCohort, tmp_path: Path) -> None:
    cases, cache = real_cases(make_cohort), tmp_path / "cache"
    learned(cases, cache)
    only_file(cache).write_bytes(b"not weights")
    with pytest.raises(SynthtrialError, match="delete it"):
        learned(cases, cache)
    shutil.rmtree(cache)
    learned(cases, cache)


def test_the_configuration_has_the_defaults_of_the_class() -> None:
    config = yaml.safe_load(CONF.read_text())
    assert vars(params.build(config, spatial_dims=3)) == vars(StudyEncoder(spatial_dims=3))


@pytest.mark.parametrize(("key", "value"), [("steps", 0), ("width", 0), ("seed", -1), ("learning_rate", 0.0)])
def test_settings_out_of_range_are_refused(key: str, value: float) -> None:
    with pytest.raises(ConfigError, match=key):
        StudyEncoder(spatial_dims=2, **{key: value})  # type: ignore[arg-type]
