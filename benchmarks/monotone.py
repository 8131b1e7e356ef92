"""Does a distance grow as real images are made worse, step by step? `python benchmarks/monotone.py`

Half of the real cases are compared with the other half, which is blurred, made noisy, or robbed of its variety: of one
end of the images' main direction, or of small lesions. The mean over many random halves is told beside that of halves
left as they are, the floor. On the built-in phantom, or on any prepared cohort with `--cohort out/STUDY/prepared`.
`--figure FILE.png` draws it.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy import ndimage

from synthtrial import params
from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.cohorts.preparing import prepare
from synthtrial.cohorts.settings import PrepareSettings
from synthtrial.fidelity.cases import Cases
from synthtrial.fidelity.features.extractor import FeatureExtractor, LearnedExtractor
from synthtrial.fidelity.metrics.frechet import frechet_distance
from synthtrial.fidelity.metrics.kernel import kernel_distance

CONF = Path(__file__).resolve().parents[1] / "conf"
EXTRACTORS = ("random_conv", "study_encoder")
METRICS = {"frechet": frechet_distance, "kernel": kernel_distance}
REPEATS = 20
SHAPES = {2: (64, 64), 3: (32, 32, 32)}
SPACING_MM = {2: 1.5, 3: 3.0}


@dataclass(frozen=True)
class Curve:
    """Distances along one degradation, for one extractor.

    Attributes:
        n: cases of each kind in one comparison.
        amounts: of the degradation; the first leaves the images as they are.
        values: means over random halves, by metric, one per amount.
        floors: of all random halves left as they are, by metric.
    """

    n: int
    amounts: tuple[float, ...]
    values: dict[str, np.ndarray]
    floors: dict[str, np.ndarray]


def blurred(image: np.ndarray, voxels: float, _: np.random.Generator) -> np.ndarray:
    """Blur an image `(C, *spatial)` by a Gaussian of that standard deviation."""
    return ndimage.gaussian_filter(image, (0, *[voxels] * (image.ndim - 1))) if voxels else image


def noisy(image: np.ndarray, deviation: float, rng: np.random.Generator) -> np.ndarray:
    """Add white normal noise to an image in [-1, 1]."""
    return (image + deviation * rng.standard_normal(image.shape)).astype(np.float32)


Degradation = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]
DEGRADATIONS: dict[str, tuple[Degradation, tuple[float, ...]]] = {
    "blur": (blurred, (0, 0.5, 1, 2, 4)),
    "noise": (noisy, (0, 0.02, 0.05, 0.1, 0.2, 0.5)),
}
SHARES = (1.0, 0.75, 0.5, 0.25)
LABELS = {
    "blur": "blur: standard deviation, voxels",
    "noise": "noise: standard deviation, of [-1, 1]",
    "kinds kept": "modes: kept of the main direction, %",
    "lesions kept": "modes: largest lesions kept, %",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cohort", type=Path, metavar="PREPARED_DIR", help="a prepared cohort; default: the phantom")
    parser.add_argument("--dims", type=int, choices=(2, 3), default=3, help="of the phantom")
    parser.add_argument("--cases", type=int, default=192, help="of the phantom")
    parser.add_argument("--figure", type=Path, metavar="FILE.png", help="draw the curves")
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cohort = PreparedCohort(words.cohort) if words.cohort else phantom(words.dims, words.cases, Path(folder))
        real = Cases(cohort, tuple(cohort.development))
        curves = {name: degrade(learned(name, real, Path(folder)), real) for name in EXTRACTORS}
    Console().print(table(curves, f"{cohort.facts['name']}, {len(real)} cases of {cohort.shape}"))
    if words.figure:
        draw(curves, words.figure)


def phantom(spatial_dims: int, n_cases: int, folder: Path) -> PreparedCohort:
    """Prepare cases of the built-in phantom, cut around their lesions, as the studies do."""
    config = yaml.safe_load((CONF / "cohort" / f"phantom_ct{'_2d' * (spatial_dims == 2)}.yaml").read_text())
    reader = params.build(
        {key: value for key, value in config.items() if key != "depends_on"} | {"n_patients": n_cases}
    )
    settings = PrepareSettings(
        shape=SHAPES[spatial_dims],
        spacing_mm=[SPACING_MM[spatial_dims]] * spatial_dims,
        crop="lesion",
        window={"low": -1000, "high": 600},
        test_fraction=0.0,
    )
    prepare(reader, folder / "prepared", settings=settings, seed=0, workers=1)
    return PreparedCohort(folder / "prepared")


def learned(name: str, real: Cases, cache: Path) -> FeatureExtractor:
    """An extractor with its default settings, trained on the real cases if it learns."""
    config = yaml.safe_load((CONF / "fidelity" / "features" / f"{name}.yaml").read_text())
    extractor = params.build(config, spatial_dims=len(real.source.shape))
    if isinstance(extractor, LearnedExtractor):
        extractor.learn(real, cache)
    return extractor


def degrade(extractor: FeatureExtractor, real: Cases) -> dict[str, Curve]:
    """The curve of each degradation, on the images alone."""
    rng = np.random.default_rng(0)
    orders = [rng.permutation(len(real)) for _ in range(REPEATS)]
    # Each half is the reference once: what it happens to have above the other then cancels in the mean.
    half = len(real) // 2
    halves = [pair for order in orders for pair in ((order[:half], order[half:]), (order[half:], order[:half]))]
    clean = features(extractor, real, blurred, 0)
    curves = {}
    for name, (change, amounts) in DEGRADATIONS.items():
        steps = [features(extractor, real, change, x) for x in track(amounts, f"{extractor.name}: {name}")]
        curves[name] = curve(half, amounts, [[(clean[a], step[b]) for a, b in halves] for step in steps])
    curves["kinds kept"] = modes(clean, main_direction(real), halves, rng)
    if real.source.labels:
        sizes = np.array([np.count_nonzero(mask) for mask in real.masks()])
        curves["lesions kept"] = modes(clean, sizes, halves, rng)
    return curves


def modes(
    clean: np.ndarray, order: np.ndarray, halves: list[tuple[np.ndarray, np.ndarray]], rng: np.random.Generator
) -> Curve:
    """Keep the share of a half that is first in `order`, and draw equally many cases of it for every share."""
    n = round(len(halves[0][1]) * SHARES[-1])

    def kept(cases: np.ndarray, share: float) -> np.ndarray:
        first = cases[np.argsort(-order[cases], kind="stable")][: round(share * len(cases))]
        return rng.permutation(first)[:n]

    return curve(n, SHARES, [[(clean[a], clean[kept(b, share)]) for a, b in halves] for share in SHARES])


def main_direction(real: Cases) -> np.ndarray:
    """Where each image lies along the first principal component of all images, averaged over 4 voxels per axis."""
    coarse = [ndimage.uniform_filter(image, (0, *[4] * (image.ndim - 1))) for image in real.images()]
    every = (slice(None), *[slice(2, None, 4)] * (coarse[0].ndim - 1))
    flat = np.stack([image[every].ravel() for image in coarse])
    return np.linalg.svd(flat - flat.mean(axis=0), full_matrices=False)[0][:, 0]


def features(extractor: FeatureExtractor, real: Cases, change: Degradation, amount: float) -> np.ndarray:
    """Features `(n, d)` of the changed images, one image in memory at a time; the same noise at every amount."""
    rng = np.random.default_rng(1)
    return np.concatenate([extractor(change(image, amount, rng)[None]) for image in real.images()])


def curve(n: int, amounts: tuple[float, ...], steps: list[list[tuple[np.ndarray, np.ndarray]]]) -> Curve:
    """Measure the pairs of feature sets of each step."""
    values = {
        name: np.array([[metric(first, second) for first, second in pairs] for pairs in steps])
        for name, metric in METRICS.items()
    }
    means = {name: of_steps.mean(axis=1) for name, of_steps in values.items()}
    return Curve(n, amounts, means, {name: of_steps[0] for name, of_steps in values.items()})


def table(curves: dict[str, dict[str, Curve]], title: str) -> Table:
    """One row per step, one pair of columns per extractor; a step that does not rise above the last one is red."""
    result = Table("degradation", "n", "amount", title=title)
    for extractor in curves:
        for metric in METRICS:
            result.add_column(f"{metric}/\n{extractor}", justify="right")
    for name, first in next(iter(curves.values())).items():
        for step, amount in enumerate(first.amounts):
            cells = [cell(of[name].values[metric], step) for of in curves.values() for metric in METRICS]
            result.add_row(name, str(first.n), f"{amount:g}", *cells)
        result.add_section()
    return result


def cell(values: np.ndarray, step: int) -> str:
    rises = step == 0 or values[step] > values[step - 1]
    return f"{values[step]:.4g}" if rises else f"[red]{values[step]:.4g}[/]"


def draw(curves: dict[str, dict[str, Curve]], path: Path) -> None:
    """One row per extractor, one column per degradation: the Frechet distance in multiples of the floor."""
    from matplotlib.figure import Figure

    from synthtrial.fidelity.pictures.style import save

    names = list(next(iter(curves.values())))
    figure = Figure(figsize=(3.3 * len(names), 2.7 * len(curves) + 0.4), layout="constrained")
    grid = figure.subplots(len(curves), len(names), squeeze=False, sharey="col", sharex="col")
    for row, (extractor, of_extractor) in zip(grid, curves.items(), strict=True):
        for axes, name in zip(row, names, strict=True):
            draw_curve(axes, of_extractor[name])
            axes.set_title(f"{extractor}, n = {of_extractor[name].n}", fontsize="medium", loc="left")
        row[0].set_ylabel("Frechet distance / floor")
    for axes, name in zip(grid[-1], names, strict=True):
        axes.set_xlabel(LABELS[name])
    save(figure, path)


def draw_curve(axes: Any, of: Curve) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    from synthtrial.fidelity.pictures.style import COLOURS

    floors = of.floors["frechet"]
    low, high = np.quantile(floors, [0.025, 0.975]) / floors.mean()
    places = np.arange(len(of.amounts))
    axes.axhspan(low, high, color=COLOURS["real"], alpha=0.18, linewidth=0)
    axes.axhline(1, color=COLOURS["real"], linewidth=1)
    axes.plot(places, of.values["frechet"] / floors.mean(), "o-", color=COLOURS["synthetic"])
    axes.annotate(
        "real against real",
        (places[-1], 1),
        xytext=(0, -3),
        textcoords="offset points",
        color=COLOURS["real"],
        ha="right",
        va="top",
        fontsize="small",
    )
    percent = of.amounts == SHARES
    axes.set_xticks(places, [f"{100 * x:g}" if percent else f"{x:g}" for x in of.amounts])
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_minor_locator(LogLocator(subs=range(1, 10)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    main()
