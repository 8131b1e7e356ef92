"""Controls: what their cases are and are not, in every form that cases have; refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from scipy import ndimage
from small_gans import tiny_dcgan
from test_gan_training import TRAINER

from synthtrial.cohorts.case import build_reader
from synthtrial.cohorts.fresh import fresh_cohort
from synthtrial.cohorts.prepared import INT16_SCALE, PreparedCohort
from synthtrial.cohorts.preparing import prepare
from synthtrial.cohorts.preparing_case import prepared_arrays
from synthtrial.cohorts.representations.building import build_representation
from synthtrial.cohorts.settings import PrepareSettings
from synthtrial.cohorts.synthetic import SyntheticCohort
from synthtrial.composing import compose
from synthtrial.errors import ConfigError
from synthtrial.gans.checking import check_learning
from synthtrial.gans.controls.control import Control
from synthtrial.gans.controls.noise import blob, blobs
from synthtrial.gans.dataset import seen_with_copies
from synthtrial.gans.fitting import fitted
from synthtrial.gans.generator import Generator
from synthtrial.gans.model import load_generator
from synthtrial.gans.training import train
from synthtrial.hashing import file_sha256
from synthtrial.synthesis.drawing import synthesize

CONF = Path(__file__).resolve().parents[2] / "conf"
NAMES = sorted(path.stem for path in (CONF / "control").glob("*.yaml"))
PHANTOM = {
    "_target_": "synthtrial.cohorts.phantom_ct.PhantomCT",
    "name": "phantom",
    "n_patients": 10,
    "extent_mm": [352, 256],
    "spatial_dims": 2,
    "lesion_mm": {"benign": 22, "malignant": 36},
    "sites": [{"name": "a", "spacing_mm": [4, 4], "noise_hu": 15}, {"name": "b", "spacing_mm": [5, 5], "noise_hu": 30}],
}
PREPARE = {
    "shape": [16, 16],
    "spacing_mm": [4.0, 4.0],
    "crop": "lesion",
    "window": {"low": -1000, "high": 600},
    "folds": 2,
}
DRAW = {"threshold": 0.0, "components": 1, "min_lesion_voxels": 1, "limit_factor": 4, "masks": "real"}
DRAW |= {"copy_rate": None, "copy_limit": 0.5, "distance_gate": None}


def read_control(name: str, prepared: PreparedCohort, representation: str = "channels.Channels", **own: Any) -> dict:
    """A configuration of conf/control as compose completes it."""
    config = yaml.safe_load((CONF / "control" / f"{name}.yaml").read_text()) | own
    config.pop("synthesis", None)  # which compose moves to the draws
    config["representation"] = {"_target_": f"synthtrial.cohorts.representations.{representation}"}
    return fitted(config, prepared.labels, prepared.facts["channels"], prepared.shape, name)


def learn(config: dict[str, Any], cohort: PreparedCohort, folder: Path, seed: int = 3) -> Generator:
    """Let a control learn as the stage does, and read it back."""
    place = {"folder": folder, "checkpoints": folder.with_name("none"), "trainer": TRAINER, "seed": seed}
    train(config, name="control", cohort=cohort, split="development", case_ids=cohort.development, **place)
    assert not place["checkpoints"].exists()
    return load_generator(folder)


def drawn(control: Generator, n: int, seed: int = 0) -> torch.Tensor:
    """The first n draws."""
    return control.sample(n, torch.Generator().manual_seed(seed), torch.arange(n))


def phantom_cohort(folder: Path, config: dict[str, Any] = PHANTOM) -> PreparedCohort:
    prepare(build_reader(config), folder, settings=PrepareSettings(**PREPARE), seed=0, workers=1)
    return PreparedCohort(folder)


@pytest.fixture(scope="module")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> PreparedCohort:
    """Ten prepared patients of a 2D phantom."""
    return phantom_cohort(tmp_path_factory.mktemp("phantom") / "prepared")


@pytest.fixture
def settings(phantom: PreparedCohort) -> dict[str, dict[str, Any]]:
    """All three controls for it."""
    oracle = {"cohort": PHANTOM, "prepare": PREPARE, "per_real": 1.0}
    own = {"oracle": oracle, "memoriser": {}, "noise": {"per_real": 1.0}}
    return {name: read_control(name, phantom, **own[name]) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_a_control_leaves_what_a_generator_leaves(name: str, phantom, settings, tmp_path: Path) -> None:
    control = learn(settings[name], phantom, tmp_path / "model")
    model = json.loads((tmp_path / "model/model.json").read_text())
    assert model["seen_cases"] == phantom.development
    assert model["seen_patients"] == sorted(phantom.patients(phantom.development))
    assert (model["images_seen"], model["parameters"], model["collapsed"]) == (0, {}, False)
    assert model["weights_sha256"] == file_sha256(tmp_path / "model/generator.safetensors")
    assert pd.read_csv(tmp_path / "model/losses.csv").columns.tolist() == ["images"]
    assert pd.read_csv(tmp_path / "model/losses_smooth.csv").columns.tolist() == ["images"]
    assert pd.read_csv(tmp_path / "model/losses_summary.csv").columns.tolist()[0] == "term"
    assert (tmp_path / "model/samples.png").stat().st_size > 1000
    assert drawn(control, 3).shape == (3, 2, 16, 16)
    assert drawn(control, 3).abs().max() <= 1


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_bytes_and_draws(name: str, phantom, settings, tmp_path: Path) -> None:
    first, again = (learn(settings[name], phantom, tmp_path / place) for place in ("first", "again"))
    hashes = [file_sha256(tmp_path / place / "generator.safetensors") for place in ("first", "again")]
    assert hashes[0] == hashes[1]
    assert torch.equal(drawn(first, 4), drawn(again, 4))
    if name != "memoriser":  # which keeps the same cases whatever the seed
        other = learn(settings[name], phantom, tmp_path / "other", seed=4)
        assert not torch.equal(drawn(first, 4), drawn(other, 4))


LUNG = {"threshold_hu": -400, "closing_mm": 12, "smallest_ml": 20}


@pytest.mark.parametrize("changed", [{}, {"lung": LUNG}, {"clahe": {"clip_limit": 0.01, "tiles": 4}}])
def test_fresh_patients_are_prepared_exactly_as_the_cohort_is(changed: dict[str, Any], tmp_path: Path) -> None:
    """The oracle's way to prepare a patient, on the real ones: the same arrays."""
    reader, settings = build_reader(PHANTOM), PrepareSettings(**PREPARE | changed)
    prepare(reader, tmp_path / "prepared", settings=settings, seed=0, workers=1)
    cohort = PreparedCohort(tmp_path / "prepared")
    for ref in reader.find():
        image, mask = prepared_arrays(ref, reader=reader, settings=settings)
        assert np.array_equal(np.round(image * INT16_SCALE), cohort.stored_image(ref.case_id))
        assert np.array_equal(mask, cohort.mask(ref.case_id))


def test_the_oracle_draws_patients_that_nobody_has_seen_and_none_twice(phantom, settings, tmp_path: Path) -> None:
    control = learn(settings["oracle"], phantom, tmp_path / "model")
    assert control.limit == 10, "8 real cases, one each, and a fifth to spare"
    images = drawn(control, 10)[:, 0].flatten(1)
    real = torch.stack([torch.from_numpy(phantom.image(i)).flatten() for i in phantom.cases.index])
    apart = torch.cdist(images, real)
    among = torch.cdist(images, images) + 1e9 * torch.eye(10)
    usual = (torch.cdist(real, real) + 1e9 * torch.eye(len(real))).min(1).values.min()
    assert apart.min() > 0.5 * usual and among.min() > 0.5 * usual
    assert abs(images.mean() - real.mean()) < 0.15, "they come from the same source"


def test_drawing_ends_where_the_oracle_has_no_more(phantom, settings, tmp_path: Path, capsys) -> None:
    learn(settings["oracle"], phantom, tmp_path / "model")
    place = {"folder": tmp_path / "drawn", "cache": tmp_path, "model_folder": tmp_path / "model"}
    synthesize(name="oracle", cohort=phantom, count=30, settings=DRAW, seed=1, **place)
    synthetic = SyntheticCohort(tmp_path / "drawn")
    assert len(synthetic.manifest) == 10
    assert synthetic.manifest["image_sha256"].is_unique
    assert "all that this generator keeps" in " ".join(capsys.readouterr().out.split())


def test_the_oracle_draws_only_sites_that_its_split_has(tmp_path: Path) -> None:
    """Under site_out, a generator that knew the site left out would know too much. The second site is far noisier."""
    sites = [{"name": "a", "spacing_mm": [4, 4], "noise_hu": 0}, {"name": "b", "spacing_mm": [4, 4], "noise_hu": 400}]
    config = PHANTOM | {"sites": sites, "n_patients": 24}
    cohort = phantom_cohort(tmp_path / "prepared", config)
    roughness = {}
    for site in ("a", "b"):
        settings = read_control("oracle", cohort, cohort=config, prepare=PREPARE, per_real=1.0)
        case_ids = [case_id for case_id in cohort.development if cohort.cases.at[case_id, "site"] == site]
        place = {"folder": tmp_path / site, "checkpoints": tmp_path, "trainer": TRAINER, "seed": 3}
        train(settings, name="oracle", cohort=cohort, split=site, case_ids=case_ids, **place)
        control = load_generator(tmp_path / site)
        assert control.limit is not None and len(case_ids) <= control.limit
        rows = drawn(control, control.limit)[:, 0]
        roughness[site] = (rows[..., 1:] - rows[..., :-1]).abs().mean((1, 2))
    assert roughness["a"].max() < roughness["b"].min()


def test_the_oracle_of_joined_phantoms_draws_from_each(tmp_path: Path) -> None:
    readers = {key: PHANTOM | {"name": key, "seed": seed} for seed, key in enumerate(("north", "south"))}
    config = {"_target_": "synthtrial.cohorts.joined.JoinedCohorts", "name": "two", "readers": readers}
    cohort = phantom_cohort(tmp_path / "prepared", config)
    control = learn(
        read_control("oracle", cohort, cohort=config, prepare=PREPARE, per_real=0.5), cohort, tmp_path / "m"
    )
    assert control.limit == 10
    fresh = fresh_cohort(config, n_patients=40, seed=5)
    assert {name: reader["n_patients"] for name, reader in fresh["readers"].items()} == {"north": 20, "south": 20}
    seeds = [reader["seed"] for group in (fresh, config) for reader in group["readers"].values()]
    assert len(set(seeds)) == 4


def test_the_memoriser_gives_training_cases_with_noise_in_turns(phantom, settings, tmp_path: Path) -> None:
    control = learn(settings["memoriser"] | {"noise": 0.05}, phantom, tmp_path / "model")
    n = len(phantom.development)
    draws = drawn(control, 2 * n)
    for index in range(2 * n):
        case_id = phantom.development[index % n]
        inside = np.abs(phantom.image(case_id)[0]) < 0.8  # where clipping to [-1, 1] cuts nothing off
        noise = (draws[index, 0].numpy() - phantom.image(case_id)[0])[inside]
        assert 0.03 < noise.std() < 0.07 and abs(noise.mean()) < 0.03
        assert np.array_equal(draws[index, 1].numpy() > 0, phantom.mask(case_id) > 0)
    assert not torch.equal(draws[:n], draws[n:])


def test_noise_is_as_bright_as_the_real_cases_and_no_more(phantom, settings, tmp_path: Path) -> None:
    control = learn(settings["noise"] | {"per_real": 25.0}, phantom, tmp_path / "model")
    draws = drawn(control, 200)
    image, mask = draws[:, 0].numpy(), draws[:, 1].numpy() > 0
    real = np.stack([phantom.image(case_id)[0] for case_id in phantom.development])
    assert abs(image.mean() - real.mean()) < 0.02
    assert abs(image.std() - real.std()) < 0.02
    neighbours = np.corrcoef(image[:, 1:].ravel(), image[:, :-1].ravel())[0, 1]
    assert abs(neighbours) < 0.02, "it is white"
    assert abs(image[mask].mean() - image[~mask].mean()) < 0.02, "a mask tells nothing of its image"
    sizes = {int((phantom.mask(case_id) > 0).sum()) for case_id in phantom.development}
    assert {int(one.sum()) for one in mask} <= sizes
    assert mask.mean(0).std() < 0.5 * np.stack([phantom.mask(i) > 0 for i in phantom.development]).mean(0).std()


@pytest.mark.parametrize("shape", [(24, 20), (12, 14, 10)])
def test_blobs_have_their_sizes_and_hang_together(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    for size in (1, 7, 60):
        region = blob(size, np.ones(shape, bool), rng)
        assert region.sum() == size
        assert ndimage.label(region, np.ones([3] * len(shape)))[1] == 1
    label_map = blobs(np.array([30, 0, 20]), shape, rng)
    assert np.bincount(label_map.ravel(), minlength=4)[1:].tolist() == [30, 0, 20]
    assert blob(10**6, np.ones(shape, bool), rng).all()


@pytest.mark.parametrize("name", ["memoriser", "noise"])
@pytest.mark.parametrize(
    ("representation", "shape"),
    [
        ("channels.Channels", (12, 10)),
        ("channels.Channels", (8, 10, 6)),
        ("z_concat.ZConcat", (8, 10, 6)),
        ("interleave.Interleave", (8, 10, 6)),
        ("mosaic.Mosaic", (8, 10, 6)),
        ("slices.Slices", (8, 10, 6)),
        ("image_only.ImageOnly", (12, 10)),
    ],
)
def test_every_representation_with_several_labels(
    name: str, representation: str, shape: tuple[int, ...], make_cohort: Callable[..., PreparedCohort], tmp_path: Path
) -> None:
    cohort = make_cohort(shape=shape, labels=("core", "rim"))
    own = {"noise": 0.0} if name == "memoriser" else {"per_real": 1.0}
    control = learn(read_control(name, cohort, representation, **own), cohort, tmp_path / "model")
    model = json.loads((tmp_path / "model/model.json").read_text())
    image, scores = build_representation(model["representation"]).decode(drawn(control, 1)[0].numpy())
    assert image.shape == (1, *shape)
    assert len(scores) == (0 if representation == "image_only.ImageOnly" else 2)
    if name == "memoriser":
        case_id = cohort.development[0]
        assert np.array_equal(np.round(image * INT16_SCALE), cohort.stored_image(case_id))
        for value, score in enumerate(scores, start=1):
            assert np.array_equal(score > 0, cohort.mask(case_id) == value)


@pytest.mark.parametrize("name", ["memoriser", "noise"])
def test_a_cohort_without_masks(name: str, make_cohort: Callable[..., PreparedCohort], tmp_path: Path) -> None:
    cohort = make_cohort(shape=(12, 10), labels=())
    own = {} if name == "memoriser" else {"per_real": 1.0}
    assert drawn(learn(read_control(name, cohort, **own), cohort, tmp_path / "m"), 2).shape == (2, 1, 12, 10)


def drawn_classes(name: str, config: dict, cohort: PreparedCohort, place: Path, count: int) -> pd.DataFrame:
    """The manifest of draws."""
    learn(config, cohort, place / name)
    places = {"folder": place / f"{name}_drawn", "cache": place, "model_folder": place / name}
    synthesize(name=name, cohort=cohort, count=count, settings=DRAW, seed=1, progress=False, **places)
    return SyntheticCohort(place / f"{name}_drawn").manifest


def test_a_memorised_case_keeps_its_class(phantom, settings, tmp_path: Path) -> None:
    n = len(phantom.development)
    rows = drawn_classes("memoriser", settings["memoriser"], phantom, tmp_path, 2 * n)
    assert list(rows["label"]) == 2 * list(phantom.cases.loc[phantom.development, "label"])


@pytest.mark.parametrize("name", ["oracle", "noise"])
def test_a_control_of_one_class_keeps_what_is_drawn_by_all_real_cases(
    name: str, phantom, settings, tmp_path: Path
) -> None:
    """A draw counts by all real cases of the split; a control that counted by its own class would run out of cases."""
    n = len(phantom.development)
    rows = drawn_classes(name, settings[name] | {"classes": ["malignant"]}, phantom, tmp_path, n)
    assert (phantom.cases.loc[phantom.development, "label"] == "malignant").sum() < n / 1.2
    assert rows["accepted"].sum() == n and set(rows["label"]) == {"malignant"}


def test_fresh_patients_have_the_class_that_they_were_made_with(phantom, settings, tmp_path: Path) -> None:
    rows = drawn_classes("oracle", settings["oracle"] | {"per_real": 3.0}, phantom, tmp_path, 24)
    sizes = rows.groupby("label")["lesion_voxels"].mean()
    assert set(sizes.index) == {"benign", "malignant"}
    assert sizes["malignant"] > 1.7 * sizes["benign"], "36 and 22 mm wide on average: 2.7 times the area"


def test_noise_has_classes_as_often_as_the_real_cases_and_no_sign_of_them(phantom, settings, tmp_path: Path) -> None:
    n = len(phantom.development)
    rows = drawn_classes("noise", settings["noise"] | {"per_real": 10.0}, phantom, tmp_path, 10 * n)
    real = phantom.cases.loc[phantom.development, "label"].value_counts()
    assert rows["label"][:n].value_counts().to_dict() == real.to_dict()
    assert rows["label"].value_counts().to_dict() == (10 * real).to_dict()
    sizes = rows.groupby("label")["lesion_voxels"].mean()
    assert abs(sizes["benign"] / sizes["malignant"] - 1) < 0.4


@pytest.mark.parametrize("name", ["memoriser", "noise"])
def test_without_classes_a_draw_has_none(name: str, make_cohort: Callable[..., PreparedCohort], tmp_path: Path) -> None:
    cohort = make_cohort(shape=(16, 16))
    own = {} if name == "memoriser" else {"per_real": 1.0}
    rows = drawn_classes(name, read_control(name, cohort, **own), cohort, tmp_path, 3)
    assert set(rows["label"]) == {""}


def test_controls_learn_from_no_copies(make_cohort: Callable[..., PreparedCohort], tmp_path: Path) -> None:
    cohort = make_cohort(shape=(12, 10))
    source = cohort.development[0]
    row = {"case_id": f"{source}-affine1", "source_case": source, "kind": "affine", "copy": 1, "image_sha256": ""}
    row |= {key: cohort.cases.at[source, key] for key in ("patient_id", "image", "mask", "label", "site")}
    pd.DataFrame([row]).to_csv(cohort.folder / "augmented.csv", index=False)
    cohort = PreparedCohort(cohort.folder)
    control = learn(read_control("memoriser", cohort), cohort, tmp_path / "model")
    assert isinstance(control, Control) and len(control.kept) == len(cohort.development)
    model = json.loads((tmp_path / "model/model.json").read_text())
    assert seen_with_copies(model, cohort) == cohort.development


def test_a_real_cohort_has_no_oracle() -> None:
    with pytest.raises(ConfigError, match="generators.oracle: there is no oracle for the cohort 'msd_hippocampus'"):
        compose(["study=hippocampus_small", "+control@generators.oracle=oracle"], CONF)


@pytest.mark.parametrize("name", NAMES)
def test_a_study_takes_a_control_by_one_word(name: str) -> None:
    params, files = compose(["study=smoke", f"+control@generators.{name}={name}"], CONF)
    assert params["generator_names"] == ["dcgan", name]
    config = params["generators"][name]
    assert (config["image_size"], config["image_channels"], config["train"]) == ([32, 32], 2, None)
    assert CONF / "control" / f"{name}.yaml" in files
    if name == "oracle":
        assert (config["cohort"], config["prepare"]) == (params["cohort"], params["prepare"])
    if name != "memoriser":
        more, _ = compose(["study=smoke", f"+control@generators.{name}={name}", "synthesis.per_real=2.5"], CONF)
        assert more["generators"][name]["per_real"] == more["draws"][name]["per_real"] == 2.5
    assert params["draws"][name]["copy_rate"] == (None if name == "memoriser" else params["synthesis"]["copy_rate"])


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("generators.dcgan.train=null", "generators.dcgan.train is null, which is for controls"),
        ("generators.noise.per_real=zero", "noise: WhiteNoise.per_real: expected a number"),
        ("+generators.noise.noises=1", "WhiteNoise has no key 'noises'"),
        ("+draws.more={generator: noise, per_real: 3}", "draws.more takes 3 cases per real one, but 'noise' keeps 1"),
    ],
)
def test_compose_refuses(word: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        compose(["study=smoke", "+control@generators.noise=noise", word], CONF)


@pytest.mark.parametrize(
    ("name", "changed", "message"),
    [
        ("memoriser", {"train": {"images": 8}}, "train must be null: a control is not trained"),
        ("noise", {"start_from": "elsewhere"}, "start_from must be null"),
        ("memoriser", {"noise": 0.5}, "noise must be from 0 to 0.2"),
        ("noise", {"per_real": 0.0}, "must keep some cases"),
        ("noise", {"classes": ["benign", "malignant"]}, "WhiteNoise learns one class, or all alike"),
        ("oracle", {"prepare": PREPARE | {"shape": [8, 8]}}, "the prepared cohort is 'phantom'"),
    ],
)
def test_settings_that_a_control_cannot_follow_are_refused(
    name: str, changed: dict[str, Any], message: str, phantom, settings, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=message):
        learn(settings[name] | changed, phantom, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_a_schedule_is_checked_where_there_is_one() -> None:
    with pytest.raises(ConfigError, match="generators.x.train.patience|train.patience"):
        check_learning(tiny_dcgan(train__patience=0), "generators.x")


@pytest.mark.parametrize("name", NAMES)
def test_every_key_of_a_control_is_explained(name: str) -> None:
    lines = (CONF / "control" / f"{name}.yaml").read_text().splitlines()
    keys = [line for line in lines if line.strip() and not line.startswith("#")]
    bare = ("_target_", "synthesis:", "representation:")
    assert not [line for line in keys if "#" not in line and not line.startswith(bare)]
