"""A walk through the latent space of a trained generator: do its cases change step by step, or jump between copies?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.errors import ConfigError
from synthtrial.fidelity.pictures.pages import Cut, cut_plane, draw_cut
from synthtrial.fidelity.pictures.style import COLOURS

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import Tensor

    from synthtrial.gans.dataset import RealCases
    from synthtrial.gans.generator import Generator


@dataclass(frozen=True)
class _Stop:
    """One picture of a walk: `kind` is `real` or `synthetic`; the image `(C, *spatial)`, its label map, its title."""

    kind: str
    title: str
    image: np.ndarray
    mask: np.ndarray


def latent_walk(
    model_folder: Path,
    cohort: PreparedCohort,
    *,
    steps: int = 7,
    rows: int = 3,
    seed: int,
    snapshot: int | None = None,
) -> Figure | None:
    """Walk from one latent to another, one walk per row, each step decoded by the averaged generator.

    A generator with an encoder (HA-GAN) walks between the encodings of two real training cases, which stand at the
    ends of the row: what is lost from the case to the first step is what the encoder or the generator can't express.
    Others walk between two draws of noise. A generator that has learned the cases' variety changes gradually all the
    way (Radford et al. 2016, arXiv 1511.06434, section 6.1); one that holds copies stays, jumps, and stays.

    Volumes are shown by one axial slice per row: that with most of the lesions of all its steps, or the middle one.

    Args:
        model_folder: `models/<generator>/<split>/` of a study.
        cohort: the prepared cohort that the generator was trained on.
        steps: steps per row, both ends included.
        rows: how many walks.
        seed: seed of the noise, or of the choice of real cases.
        snapshot: images after which the training kept the weights to walk with; None for those of its end.

    Returns:
        The figure; None for a translator (CycleGAN, Pix2Pix): it starts from a case or a mask and has no latent to
        walk through.

    Raises:
        ConfigError: for fewer than 2 steps or 1 row, or fewer than 2 training cases for an encoder.
        TrainingError: when there is no trained generator.
    """
    if steps < 2 or rows < 1:
        raise ConfigError(f"a latent walk of {steps} steps in {rows} rows is none: ask for at least 2 steps and 1 row")
    import torch

    from synthtrial.gans.dataset import cases_of_model
    from synthtrial.gans.model import load_generator

    generator = load_generator(model_folder, snapshot)
    if generator.draw_noise(1, torch.Generator()) is None:
        return None
    model = json.loads((model_folder / "model.json").read_text(encoding="utf-8"))
    cases = cases_of_model(model, cohort, generator.uses_unlabelled)
    with torch.no_grad():
        walks = [_walk(generator, cases, steps, seed, row) for row in range(rows)]
    between = "the encodings of two real cases" if len(walks[0]) > steps else "two draws of noise"
    return _figure(walks, cohort.spacing_mm, f"{model['generator']}: a latent walk between {between}")


def slerp(first: Tensor, last: Tensor, share: float) -> Tensor:
    """The point at a share of the way from one noise `(1, ...)` to another along a great circle.

    Normal noise of many dimensions lies near a sphere, and the straight line would leave it (White 2016, arXiv
    1609.04468). Encodings may differ in length, which is interpolated linearly.
    """
    import torch

    lengths = first.norm(), last.norm()
    angle = torch.acos(((first / lengths[0]) * (last / lengths[1])).sum().clamp(-1, 1))
    if angle.sin() < 1e-4:
        return torch.lerp(first, last, share)
    ends = ((1 - share) * angle).sin() * first / lengths[0] + (share * angle).sin() * last / lengths[1]
    return ends / angle.sin() * torch.lerp(*lengths, share)


def _walk(generator: Generator, cases: RealCases, steps: int, seed: int, row: int) -> list[_Stop]:
    """The stops of one row; every row has its own noise or cases, and one class."""
    import torch

    rng = np.random.default_rng([seed, row])
    first = str(rng.choice(cases.roles.real))
    start, real = generator.encode(cases.encoded(first)[None]), []
    if start is None:
        drawn = generator.draw_noise(2, torch.Generator().manual_seed((seed * 1009 + row) % 2**32))
        start, end = drawn.split(1)  # type: ignore[union-attr]
    else:
        last = _alike(cases, first, rng)
        end = generator.encode(cases.encoded(last)[None])
        real = [_real_stop(cases.cohort, case_id) for case_id in (first, last)]
    label = torch.tensor([cases.roles.label.get(first, -1)]) if generator.conditions_on == "label" else None
    stops = []
    for share in np.linspace(0, 1, steps):
        between = slerp(start, end, float(share))
        # The same seed at every stop, so that nothing but the latent changes.
        array = generator.decode(between, torch.Generator().manual_seed(seed % 2**32), label)[0].float().numpy()
        image, scores = cases.representation.decode(array)
        stops.append(_Stop("synthetic", f"{share:.2g}", np.clip(image, -1, 1), _label_map(scores, image.shape[1:])))
    return [*real[:1], *stops, *real[1:]]


def _alike(cases: RealCases, first: str, rng: np.random.Generator) -> str:
    """Another training case of the same class, of another patient where there is one.

    Raises:
        ConfigError: when there is none.
    """
    label, patient = cases.roles.label, cases.cohort.cases["patient_id"]
    alike = [other for other in cases.roles.real if other != first and label.get(other) == label.get(first)]
    others = [other for other in alike if patient[other] != patient[first]] or alike
    if not others:
        raise ConfigError(f"a latent walk needs two training cases of one class, but {first} is the only one of its")
    return str(rng.choice(others))


def _real_stop(cohort: PreparedCohort, case_id: str) -> _Stop:
    return _Stop("real", case_id, cohort.image(case_id), np.asarray(cohort.mask(case_id)))


def _label_map(scores: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Label map `(*shape)` of scores `(L, *shape)`: the highest above 0."""
    if not len(scores):
        return np.zeros(shape, np.uint8)
    return np.where(scores.max(axis=0) > 0, scores.argmax(axis=0) + 1, 0).astype(np.uint8)


def _cuts(walk: Sequence[_Stop], spacing_mm: Sequence[float]) -> list[Cut]:
    """2D cases as they are; of volumes the axial slice that shows most of everyone's lesion, or the middle one."""
    if len(spacing_mm) == 2:
        return [Cut(stop.image, stop.mask, spacing_mm[0] / spacing_mm[1]) for stop in walk]
    areas = np.array([(stop.mask > 0).sum(axis=(0, 1)) for stop in walk])
    votes = (areas / np.maximum(areas.max(axis=1, keepdims=True), 1)).sum(axis=0)
    index = int(votes.argmax()) if votes.any() else len(votes) // 2
    part = slice(index, index + 1)
    return [cut_plane(stop.image[..., part], stop.mask[..., part], 2, spacing_mm) for stop in walk]


def _figure(walks: Sequence[Sequence[_Stop]], spacing_mm: Sequence[float], title: str) -> Figure:
    from matplotlib.figure import Figure

    columns, width = len(walks[0]), 1.25
    cut = _cuts(walks[0], spacing_mm)[0]
    height = width * cut.aspect * cut.image.shape[1] / cut.image.shape[2]
    figure = Figure(figsize=(width * columns + 0.2, (height + 0.15) * len(walks) + 0.5), layout="constrained")
    figure.suptitle(title + (", axial slice" if len(spacing_mm) == 3 else ""), fontsize="medium")
    for row, walk in zip(figure.subplots(len(walks), columns, squeeze=False), walks, strict=True):
        for axes, stop, cut in zip(row, walk, _cuts(walk, spacing_mm), strict=True):
            draw_cut(axes, cut)
            axes.set_title(stop.title, fontsize="x-small", color=COLOURS[stop.kind], pad=3)
    return figure
