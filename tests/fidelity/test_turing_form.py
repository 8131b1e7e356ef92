from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fidelity.turing_study import CONFIG, GENERATOR, write_study
from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.cohorts.synthetic import SyntheticCohort
from synthtrial.errors import SynthtrialError
from synthtrial.fidelity.turing.building import Wish, build_form, learned_cases
from synthtrial.fidelity.turing.choosing import choose
from synthtrial.fidelity.turing.key import Key, read_key
from synthtrial.fidelity.turing.pictures import outline, stack_of


def wish(**other) -> Wish:
    usual = {"study": "tiny", "split": "development", "n_real": 5, "n_synthetic": 5, "slices": "third", "mask": True}
    return Wish(**usual | {"seed": 1} | other)


def build(cohort: PreparedCohort, synthetic: SyntheticCohort, folder: Path, **other) -> tuple[Key, str]:
    key = build_form(cohort, cohort.development, synthetic, wish(**other), folder)
    return key, (folder / "form.html").read_text()


def data_of(page: str) -> dict:
    """What the page's script is given."""
    return json.loads(re.search(r'<script id="form-data" type="application/json">(.*?)</script>', page, re.S)[1])


def chunks(png: bytes) -> list[str]:
    """Names of the parts of a PNG file."""
    names, place = [], 8
    while not names or names[-1] != "IEND":
        names.append(png[place + 4 : place + 8].decode())
        place += 12 + int.from_bytes(png[place : place + 4])
    return names


class Resources(HTMLParser):
    """Collect what a page asks the browser to fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [f"{tag} {name}" for name, _ in attrs if name in ("src", "href", "action", "data", "poster")]


def test_the_page_fetches_nothing(tmp_path: Path) -> None:
    cohort, synthetic, _ = write_study(tmp_path)
    _, page = build(cohort, synthetic, tmp_path / "form")
    resources = Resources()
    resources.feed(page)
    assert resources.found == []
    assert "default-src 'none'" in page
    assert set(re.findall(r"https?://[\w./]+", page)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"@import|url\(|fetch\(|XMLHttpRequest|sendBeacon", page)


def test_the_page_does_not_tell_real_from_synthetic(tmp_path: Path) -> None:
    cohort, synthetic, _ = write_study(tmp_path, n_cases=30)
    key, page = build(cohort, synthetic, tmp_path / "form", n_real=12, n_synthetic=12)
    for secret in (GENERATOR, "p0", "p1", "p2", "synthetic", *cohort.cases.index, *synthetic.manifest.index):
        assert not re.search(rf"(?<![\w+/]){re.escape(secret)}", page), secret
    cases = data_of(page)["cases"]
    assert [case["id"] for case in cases] == [shown.blinded_id for shown in key.shown]
    assert len({case["id"] for case in cases}) == 24
    pictures = [base64.b64decode(picture) for case in cases for picture in case["pictures"]]
    assert len({len(picture) for picture in pictures}) == 1
    assert {tuple(chunks(picture)) for picture in pictures} == {("IHDR", "IDAT", "IEND")}
    assert len({tuple(sorted(case)) for case in cases}) == 1
    assert len({len(case["pictures"]) for case in cases}) == 1


@pytest.mark.parametrize("shape", [(16, 16, 16), (16, 12)], ids=["3D", "2D"])
@pytest.mark.parametrize("mask", [True, False])
def test_equal_cases_look_equal_whether_real_or_synthetic(tmp_path: Path, shape: tuple[int, ...], mask: bool) -> None:
    cohort, synthetic, _ = write_study(tmp_path, shape=shape)
    for case_id, copy in zip(cohort.development, synthetic.accepted, strict=False):
        real, made = stack_of(cohort, case_id, "third", mask), stack_of(synthetic, copy, "third", mask)
        assert (real.outlines, real.start) == (made.outlines, made.start)
        for one, other in zip(real.pictures, made.pictures, strict=True):
            levels = [np.asarray(Image.open(io.BytesIO(png))).astype(int) for png in (one, other)]
            # 2D synthetic cases are stored in 8 bits, which may round the other way.
            assert np.abs(levels[0] - levels[1]).max() <= (1 if len(shape) == 2 else 0)


def test_orders_and_names_do_not_go_with_the_kind(tmp_path: Path) -> None:
    cohort, synthetic, _ = write_study(tmp_path, n_cases=30)
    by_order, by_name = [], []
    for seed in range(100):
        shown = choose(cohort, cohort.development, synthetic, 12, 12, np.random.default_rng(seed))
        assert [case.order for case in shown] == list(range(1, 25))
        by_order.append([case.kind == "real" for case in shown])
        by_name.append([case.kind == "real" for case in sorted(shown, key=lambda case: case.blinded_id)])
    for kinds in (by_order, by_name):
        np.testing.assert_allclose(np.mean(kinds, axis=0), 0.5, atol=0.2)


def test_two_generators_forms_of_one_seed_are_mixed_differently(tmp_path: Path) -> None:
    cohort, synthetic, _ = write_study(tmp_path)
    first = build(cohort, synthetic, tmp_path / "a")[0]
    synthetic.facts["generator"] = "othergan"
    second = build(cohort, synthetic, tmp_path / "b")[0]
    assert [case.kind for case in first.shown] != [case.kind for case in second.shown]
    assert {case.blinded_id for case in first.shown}.isdisjoint(case.blinded_id for case in second.shown)


def test_the_same_wish_gives_the_same_bytes_and_a_key_that_is_read_back(tmp_path: Path) -> None:
    cohort, synthetic, _ = write_study(tmp_path)
    key, page = build(cohort, synthetic, tmp_path / "a")
    assert build(cohort, synthetic, tmp_path / "a") == (key, page)
    assert read_key(tmp_path / "a") == key
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["form.html", "key"]
    other = build(cohort, synthetic, tmp_path / "b", seed=2)[0]
    assert other.form_id != key.form_id


def test_the_key_of_another_form_is_not_written_over(tmp_path: Path) -> None:
    cohort, synthetic, _ = write_study(tmp_path)
    key, page = build(cohort, synthetic, tmp_path / "a")
    with pytest.raises(SynthtrialError, match=f"key of another form, {key.form_id}"):
        build(cohort, synthetic, tmp_path / "a", seed=2)
    assert (tmp_path / "a" / "form.html").read_text() == page and read_key(tmp_path / "a") == key


def test_only_accepted_cases_and_development_patients_are_shown(tmp_path: Path) -> None:
    cohort, synthetic, _ = write_study(tmp_path)
    cohort.cases.loc[cohort.development[:4], "patient_id"] = "p03"
    key, _ = build(cohort, synthetic, tmp_path / "form", n_real=9, n_synthetic=11)
    real = [case.case_id for case in key.shown if case.kind == "real"]
    assert set(real) <= set(cohort.development) and len(cohort.patients(real)) == 9
    assert {case.case_id for case in key.shown if case.kind == "synthetic"} == set(synthetic.accepted)
    with pytest.raises(SynthtrialError, match="--real 10: .* only 9 patients"):
        build(cohort, synthetic, tmp_path / "more", n_real=10)


def test_no_patient_is_shown_both_as_real_and_as_the_source_of_a_synthetic_case(tmp_path: Path) -> None:
    cohort, synthetic, _ = write_study(tmp_path, sources=True)
    key, _ = build(cohort, synthetic, tmp_path / "form", n_real=6, n_synthetic=6)
    real = {case.case_id for case in key.shown if case.kind == "real"}
    made = [case.case_id for case in key.shown if case.kind == "synthetic"]
    assert real.isdisjoint(synthetic.manifest.loc[made, "source_case"])


def test_a_generator_of_some_classes_is_compared_with_real_cases_of_those_classes(tmp_path: Path) -> None:
    cohort, _, model = write_study(tmp_path, classes=("benign", "malignant", "unclear"))

    def shown(**other: object) -> set[str]:
        (model / "model.json").write_text(json.dumps({"config": CONFIG | other}))
        return set(cohort.cases.loc[learned_cases(cohort, "development", model), "label"])

    assert learned_cases(cohort, "development", model) == cohort.development
    assert shown(classes=["malignant"]) == {"malignant"}
    assert shown(classes=["benign", "malignant"]) == {"benign", "malignant"}
    learns_from_all = {"_target_": "synthtrial.gans.catgan.CatGAN", "classes": ["benign", "malignant"]}
    assert shown(**learns_from_all) == {"benign", "malignant", "unclear"}


def test_a_third_is_cut_around_the_lesion_and_without_masks_around_the_middle(tmp_path: Path) -> None:
    cohort, _, _ = write_study(tmp_path, shape=(8, 8, 20))
    for case_id in cohort.development:
        areas = np.asarray(cohort.mask(case_id)).any((0, 1)) * np.asarray(cohort.mask(case_id)).sum((0, 1))
        stack = stack_of(cohort, case_id, "third", with_mask=True)
        assert len(stack.pictures) == len(stack.outlines) == 7
        assert stack.outlines[stack.start][0] == outline(cohort.mask(case_id)[..., areas.argmax()].T[::-1, ::-1] > 0)
        bare = stack_of(cohort, case_id, "third", with_mask=False)
        assert (len(bare.pictures), bare.outlines, bare.start) == (7, None, 3)
        assert len(stack_of(cohort, case_id, "middle", with_mask=True).pictures) == 1


def test_an_outline_runs_around_the_pixel_also_at_the_edge() -> None:
    region = np.zeros((4, 6), bool)
    region[1, 5] = True
    points = np.array(re.findall(r"(-?[\d.]+) (-?[\d.]+)", outline(region)), float)
    assert outline(region).count("M") == outline(region).count("Z") == 1
    np.testing.assert_allclose(points.mean(0), [5.5, 1.5])
    np.testing.assert_allclose(np.abs(points - [5.5, 1.5]).sum(1), 0.5)
    assert outline(~region & region) == ""


def without_masks(tmp_path: Path) -> None:
    cohort, synthetic, _ = write_study(tmp_path, with_masks=False)
    build(cohort, synthetic, tmp_path / "bare", mask=False)
    build(cohort, synthetic, tmp_path / "form")


def other_grid(tmp_path: Path) -> None:
    cohort, synthetic, _ = write_study(tmp_path)
    synthetic.facts["spacing_mm"] = [1, 1, 2]
    build(cohort, synthetic, tmp_path / "form")


def too_many(tmp_path: Path) -> None:
    build(*write_study(tmp_path)[:2], tmp_path / "form", n_synthetic=12)


def no_model(tmp_path: Path) -> None:
    cohort, _, model = write_study(tmp_path)
    (model / "model.json").unlink()
    learned_cases(cohort, "development", model)


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (without_masks, r"synthetic case whatgan-\S+ has no mask to show: build the form with --no-mask"),
        (other_grid, r"spacing, mm: real cases in .* have \(1.0, 1.0, 1.0\), synthetic ones in .* \(1, 1, 2\)"),
        (too_many, "--synthetic 12: .* only 11 were made independently"),
        (no_model, r"no .*model.json.*: train it first"),
        (lambda _: wish(n_real=1), "--real 1: a form needs at least 2 cases of each kind"),
        (lambda _: wish(seed=-1), "--seed -1"),
        (read_key, "key.csv: give the folder that"),
    ],
)
def test_mistakes_are_said(tmp_path: Path, mistake: Callable[[Path], object], message: str) -> None:
    with pytest.raises(SynthtrialError, match=message):
        mistake(tmp_path)
