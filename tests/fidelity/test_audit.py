from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.stats import norm

from fidelity.case_files import phantoms, write_cases
from synthtrial.fidelity.audit.report import Audit, AuditFeatures, audit, wilson_interval
from synthtrial.fidelity.cases import Cases
from synthtrial.fidelity.features.random_conv import RandomConv
from synthtrial.fidelity.pictures.closest_pairs import closest_pairs_page, distance_figure
from synthtrial.fidelity.pictures.style import save

Study = tuple[Cases, Cases, Cases, dict[str, AuditFeatures]]


@pytest.fixture(params=[(20, 20), (12, 14, 10)], ids=["2D", "3D"])
def study(request: pytest.FixtureRequest, tmp_path: Path) -> Study:
    """20 training, 12 held-out and 10 synthetic cases; two of these are copies, one exact and one mirrored."""
    rng = np.random.default_rng(0)
    images, others, drawn = (phantoms(count, request.param, rng) for count in (20, 12, 8))
    drawn[2:2] = [images[5], np.flip(images[11], 1)]
    training, held_out, synthetic = (
        write_cases(tmp_path / name, images, name=name)
        for name, images in (("training", images), ("held", others), ("drawn", drawn))
    )
    extractor = RandomConv(spatial_dims=len(request.param), filters=4, levels=2)
    features = [extractor(np.stack(list(cases.images()))) for cases in (training, held_out, synthetic)]
    return training, held_out, synthetic, {"random_conv": AuditFeatures(*features)}


def audited(study: Study, seed: int = 0) -> Audit:
    training, held_out, synthetic, features = study
    rng = np.random.default_rng(seed)
    return audit(training=training, held_out=held_out, synthetic=synthetic, features=features, rate=0.01, rng=rng)


def test_copies_are_found_and_named(study: Study) -> None:
    found = audited(study)
    measured = found.measurements()
    assert list(measured) == [
        f"{metric}/{space}_n10" for metric in ("copies", "membership_auc") for space in ("pixels", "random_conv")
    ]
    share = measured["copies/pixels_n10"]
    assert share.value == 0.2 and share.low < 0.2 < share.high and share.floor == 0
    content = json.loads(json.dumps(found.as_json(closest=3)))
    pixels = content["spaces"]["pixels"]
    assert pixels["flagged"] == ["drawn002", "drawn003"]
    pairs = [(pair["synthetic"], pair["case_id"], pair["copy"]) for pair in pixels["closest"]]
    assert sorted(pairs[:2]) == [("drawn002", "training005", True), ("drawn003", "training011", True)]
    assert not pairs[2][2]
    assert [len(pixels["distances"][kind]) for kind in ("synthetic", "real", "held_out")] == [10, 20, 12]
    assert "drawn002" in content["spaces"]["random_conv"]["flagged"]


def test_altered_copies_are_looked_at_but_are_no_members(study: Study, tmp_path: Path) -> None:
    """Blurred copies are nearer to what a blurred generator draws than any held-out case, whatever it has seen."""
    training, held_out, synthetic, features = study
    blurred = [gaussian_filter(image, 1) for image in training.images()]
    both = write_cases(tmp_path / "both", [*training.images(), *blurred], training.patients * 2, name="training")
    twice = {
        "random_conv": replace(features["random_conv"], training=np.tile(features["random_conv"].training, (2, 1)))
    }
    found = audit(
        training=both,
        held_out=held_out,
        synthetic=synthetic,
        features=twice,
        rate=0.01,
        rng=np.random.default_rng(0),
        altered=both.case_ids[len(training) :],
    )
    assert found.membership == audited(study).membership
    assert len(found.spaces["pixels"].real_scores) == 2 * len(training)


def test_without_held_out_cases_the_stated_rate_stands_beside(study: Study) -> None:
    training, _, synthetic, features = study
    alone = {name: AuditFeatures(of.training, None, of.synthetic) for name, of in features.items()}
    found = audited((training, None, synthetic, alone))  # type: ignore[arg-type]
    assert "training set" in found.without_membership
    assert {name: one.floor for name, one in found.measurements().items()} == {
        "copies/pixels_n10": pytest.approx(2 / 21),
        "copies/random_conv_n10": pytest.approx(2 / 21),
    }


def test_the_same_seed_gives_the_same_report(study: Study) -> None:
    first, second = audited(study), audited(study)
    assert first.as_json() == second.as_json() and first.measurements() == second.measurements()


def test_pictures_are_drawn(study: Study, tmp_path: Path) -> None:
    training, _, synthetic, _ = study
    found = audited(study)
    pairs = found.closest("pixels", 5)
    page = closest_pairs_page(pairs, training, synthetic)
    texts = [text.get_text() for axes in page.axes for text in axes.texts]
    assert texts.count("COPY") == 2
    differences = [
        axes.images[0].get_array() for axes in page.axes if axes.images and axes.get_title().startswith("dist")
    ]
    assert len(differences) == 5
    assert [bool(np.abs(one).max() < 1e-3) for one in differences[:2]] == [True, True]
    save(page, tmp_path / "pairs.png")
    save(distance_figure(found), tmp_path / "distances.png")
    assert all((tmp_path / name).stat().st_size > 10_000 for name in ("pairs.png", "distances.png"))


def test_wilson_interval_solves_the_score_equation() -> None:
    low, high = wilson_interval(3, 40)
    for limit in (low, high):
        assert abs(3 / 40 - limit) == pytest.approx(norm.ppf(0.975) * np.sqrt(limit * (1 - limit) / 40))
    assert wilson_interval(0, 20)[0] == 0
