"""Build a visual Turing test from a study: the form for the raters, and the key that stays at home."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from synthtrial.atomic import atomic_file
from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.cohorts.synthetic import SyntheticCohort
from synthtrial.errors import CohortError, ConfigError
from synthtrial.fidelity.cases import Cases, CaseSource, common_window
from synthtrial.fidelity.turing.choosing import Shown, choose
from synthtrial.fidelity.turing.form import Scene, form_id_of, render_form
from synthtrial.fidelity.turing.key import KEY_FOLDER, Key, read_key, write_key
from synthtrial.fidelity.turing.pictures import Slices, picture_mm, stack_of

FEWEST = 2
"""Cases of a kind without which nothing has a spread."""


@dataclass(frozen=True)
class Wish:
    """What a form shall show.

    Attributes:
        study: name of the study.
        split: the cases that the generator has seen.
        n_real, n_synthetic: how many cases of each kind.
        slices: how much of each case.
        mask: whether the masks are outlined.
        seed: decides choice, order and names of the cases.
    """

    study: str
    split: str
    n_real: int
    n_synthetic: int
    slices: Slices
    mask: bool
    seed: int

    def __post_init__(self) -> None:
        for word, count in (("--real", self.n_real), ("--synthetic", self.n_synthetic)):
            if count < FEWEST:
                raise ConfigError(f"{word} {count}: a form needs at least {FEWEST} cases of each kind")
        if self.seed < 0:
            raise ConfigError(f"--seed {self.seed}: give a whole number from 0")


def build_form(
    cohort: PreparedCohort, case_ids: Sequence[str], synthetic: SyntheticCohort, wish: Wish, folder: Path
) -> Key:
    """Write `form.html` and, apart from it, `key/key.csv` and `key/form.json` into a folder. Same wish, same bytes.

    Args:
        cohort: the real cases.
        case_ids: those of them to draw from: what the generator has learned to make, never test cases.
        synthetic: what it has made.
        wish: what to show of them.
        folder: of the form.

    Raises:
        CohortError: when real and synthetic cases have different grids.
        ConfigError: when there are too few cases, only one of the kinds has masks, or the folder holds another form.
    """
    _check_grids(cohort, synthetic)
    shown = choose(cohort, case_ids, synthetic, wish.n_real, wish.n_synthetic, _rng(wish, synthetic))
    if wish.mask:
        _check_masks(cohort, synthetic, shown)
    sources: dict[str, CaseSource] = {"real": cohort, "synthetic": synthetic}
    stacks = [stack_of(sources[case.kind], case.case_id, wish.slices, wish.mask) for case in shown]
    names = [case.blinded_id for case in shown]
    form_id = form_id_of(names, stacks)
    page = render_form(form_id, names, stacks, _scene(cohort, shown, len(stacks[0].pictures), wish.mask))
    key = Key(_facts(form_id, page, cohort, synthetic, wish), shown)
    _check_free(folder, form_id)
    write_key(folder, key)
    with atomic_file(folder / "form.html") as partial:
        partial.write_text(page, encoding="utf-8")
    return key


def learned_cases(cohort: PreparedCohort, split: str, model: Path) -> list[str]:
    """The real cases of a split that a trained generator has learned to make.

    Of a generator of some classes, these are the cases of those classes: others would differ by more than being real.

    Raises:
        CohortError: when there is no such model.
    """
    from synthtrial.gans.roles import roles_of
    from synthtrial.params import target_of

    path = model / "model.json"
    if not path.is_file():
        raise CohortError(
            f"no {path}, which says what the generator has learned: train it first (pipelines/train_gan.py)"
        )
    config = json.loads(path.read_text(encoding="utf-8"))["config"]
    family: Any = target_of(config)
    return roles_of(config, cohort, cohort.split(split), family.uses_unlabelled).real


def _rng(wish: Wish, synthetic: SyntheticCohort) -> np.random.Generator:
    """Follows from the seed and the generator, lest two generators' forms have real cases at the same places."""
    words = f"{wish.seed} {wish.study} {synthetic.facts['generator']} {wish.split}"
    return np.random.default_rng(np.frombuffer(hashlib.sha256(words.encode()).digest(), np.uint32))


def _scene(cohort: PreparedCohort, shown: list[Shown], slices: int, mask: bool) -> Scene:
    nx, ny = cohort.shape[:2]
    real = Cases(cohort, tuple(case.case_id for case in shown if case.kind == "real"))
    (low, high), unit = common_window(real)
    return Scene(
        title=str(cohort.facts["name"]),
        size_mm=picture_mm(cohort),
        pixels=(nx, ny) if len(cohort.shape) == 3 else (ny, nx),
        slices=slices,
        labels=cohort.labels if mask else (),
        grey=f"{low:g} to {high:g} {unit}" if unit == cohort.unit else "",
    )


def _facts(
    form_id: str, page: str, cohort: PreparedCohort, synthetic: SyntheticCohort, wish: Wish
) -> dict[str, str | int | bool]:
    return {
        "form_id": form_id,
        "study": wish.study,
        "cohort": str(cohort.facts["name"]),
        "generator": str(synthetic.facts["generator"]),
        "split": wish.split,
        "weights_sha256": str(synthetic.facts["weights_sha256"]),
        "seed": wish.seed,
        "slices": wish.slices,
        "mask": wish.mask,
        "n_real": wish.n_real,
        "n_synthetic": wish.n_synthetic,
        "form_sha256": hashlib.sha256(page.encode()).hexdigest(),
    }


def _check_grids(cohort: PreparedCohort, synthetic: SyntheticCohort) -> None:
    for what, real, drawn in (
        ("shape, voxels", cohort.shape, synthetic.shape),
        ("spacing, mm", cohort.spacing_mm, synthetic.spacing_mm),
        ("labels", cohort.labels, synthetic.labels),
    ):
        if list(real) != list(drawn):
            raise CohortError(
                f"{what}: real cases in {cohort.folder} have {real}, synthetic ones in {synthetic.folder} {drawn}. "
                "This alone would tell them apart; train and draw again from the prepared cohort"
            )


def _check_masks(cohort: PreparedCohort, synthetic: SyntheticCohort, shown: list[Shown]) -> None:
    """An outline that only cases of one kind have would give them away."""
    tables = {"real": cohort.cases, "synthetic": synthetic.manifest}
    bare = [case for case in shown if not tables[case.kind].at[case.case_id, "mask"]]
    if bare:
        raise ConfigError(f"{bare[0].kind} case {bare[0].case_id} has no mask to show: build the form with --no-mask")


def _check_free(folder: Path, form_id: str) -> None:
    """A key that is lost makes the ratings of its form worthless."""
    if (folder / KEY_FOLDER).exists() and (old := read_key(folder).form_id) != form_id:
        raise ConfigError(
            f"{folder} holds the key of another form, {old}; give this one its own folder with --out, "
            "or remove the old one if nobody has been sent it"
        )
