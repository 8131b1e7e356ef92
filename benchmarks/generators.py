"""Train generators on the phantom and measure them: `python benchmarks/generators.py NAME ... --dims 2 [key=value]`.

Each generator trains on image and mask of 200 phantom patients, 64 x 64 pixels or 32 x 32 x 32 voxels, in a process of
its own. Printed are its parameters, its speed, its largest memory, and the Frechet distance (random convolutional
features of image and mask together, 100 cases against 100 real cases that it has not seen) after a single step and
after training, beside those of Gaussian noise with the mean and variance of each channel, and of other real cases,
the floor.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
PREPARE = {
    2: {"spacing_mm": [1.5, 1.5], "shape": [64, 64], "margin_mm": 15.0},
    3: {"spacing_mm": [3.0, 3.0, 3.0], "shape": [32, 32, 32], "margin_mm": 15.0},
}
PATIENTS, DRAWN = 300, 100


def main() -> None:
    """Read the command line, measure one generator after another, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="+", metavar="NAME or key=value", help="of conf/generator; settings for all")
    parser.add_argument("--dims", type=int, choices=(2, 3), default=2, help="2D or 3D phantom (default: 2)")
    parser.add_argument("--images", type=int, default=4000, help="images to train on (default: 4000)")
    parser.add_argument("--batch", type=int, default=8, help="images per step (default: 8)")
    parser.add_argument("--accelerator", default="cpu", choices=("cpu", "gpu"))
    parser.add_argument("--threads", type=int, default=None, help="CPU threads (default: one per core)")
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "benchmarks")
    words = parser.parse_intermixed_args()
    settings = [word for word in words.words if "=" in word]
    prepare_phantom(words.dims, words.out)
    results = []
    for name in (word for word in words.words if "=" not in word):
        # A process of its own, so that the largest memory is that of one generator.
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            results.append(pool.apply(measure, (name, settings, words)))
        (words.out / f"{name}_{words.dims}d.json").write_text(json.dumps(results[-1], indent=1), encoding="utf-8")
    print_table(results)


def prepare_phantom(dims: int, out: Path) -> None:
    """Prepare the phantom cohort once: 200 patients to learn from, 100 held out."""
    from omegaconf import OmegaConf

    from synthtrial.cohorts.case import build_reader
    from synthtrial.cohorts.preparing import PrepareSettings, prepare

    folder = out / f"phantom_{dims}d"
    if folder.is_dir():
        return
    phantom = OmegaConf.to_container(OmegaConf.load(ROOT / f"conf/cohort/phantom_ct{'_2d' if dims == 2 else ''}.yaml"))
    assert isinstance(phantom, dict)
    reader = build_reader({str(key): value for key, value in phantom.items()} | {"n_patients": PATIENTS, "seed": 1})
    settings = PrepareSettings(
        **PREPARE[dims],  # type: ignore[arg-type]
        crop="lesion",
        window={"low": -1000, "high": 600},
        empty_mask="drop",
        test_fraction=1 / 3,
        folds=2,
    )
    folder.parent.mkdir(parents=True, exist_ok=True)
    prepare(reader, folder, settings=settings, seed=0)


def measure(name: str, settings: list[str], words: argparse.Namespace) -> dict[str, Any]:
    """Train one generator and measure it."""
    import torch

    from synthtrial.cohorts.prepared import PreparedCohort
    from synthtrial.gans.training import train

    cohort = PreparedCohort(words.out / f"phantom_{words.dims}d")
    config = configure(name, settings, words, cohort)
    folder = words.out / f"{name}_{words.dims}d"
    distances = {}
    for state, images in (("untrained", words.batch), ("trained", words.images)):
        config["train"]["images"] = images
        start = time.perf_counter()
        model = train(
            config,
            name=name,
            cohort=cohort,
            split="development",
            case_ids=cohort.development,
            folder=folder,
            checkpoints=folder / "checkpoints",
            trainer={"accelerator": words.accelerator, "devices": 1, "precision": "auto", "threads": words.threads},
            seed=0,
        )
        seconds = time.perf_counter() - start
        distances[state] = frechet(held_out(cohort, config), drawn(folder, model, cohort))
    on_gpu = words.accelerator == "gpu"
    peak = torch.cuda.max_memory_allocated() if on_gpu else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "generator": name,
        "dims": words.dims,
        "parameters": model["parameters"],
        "images": model["images_seen"],
        "seconds": seconds,
        "images_per_second": model["images_seen"] / seconds,
        "peak_mib": peak / 2**20,
        "frechet": distances | scale(cohort, config),
        "collapsed": model["reason"],
    }


def configure(name: str, settings: list[str], words: argparse.Namespace, cohort: Any) -> dict[str, Any]:
    """The generator's configuration, fitted to the cohort, with `key=value` words set on top."""
    from omegaconf import OmegaConf

    from synthtrial.gans.fitting import fitted
    from synthtrial.params import plain, with_words

    config = plain(OmegaConf.load(ROOT / "conf" / "generator" / f"{name}.yaml"))
    config["train"] |= {"batch_size": words.batch, "checkpoint_every": 1000, "log_every": 200, "ema_half_life": 500}
    config = plain(with_words(OmegaConf.create(config), settings, "the generator"))
    return fitted(config, cohort.labels, cohort.facts["channels"], cohort.shape, name)


def drawn(folder: Path, model: dict[str, Any], cohort: Any) -> np.ndarray:
    """Image and mask of drawn cases, `(n, 2, *spatial)`."""
    import torch

    from synthtrial.gans.conditions import draw
    from synthtrial.gans.dataset import cases_of_model
    from synthtrial.gans.model import load_generator
    from synthtrial.synthesis.draws import case_rng, conditions_of

    gan = load_generator(folder)
    cases = cases_of_model(model, cohort, gan.uses_unlabelled)
    conditions = conditions_of(gan, cases, "deformed", seed=1)
    with torch.inference_mode():
        arrays = [draw(gan, case_rng(1, index), conditions(index))[0].numpy() for index in range(DRAWN)]
    return np.stack([pair(*cases.representation.decode(array)) for array in arrays])


def pair(image: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """An image and its mask, -1 outside and 1 inside, as channels."""
    return np.concatenate([image, np.where(scores > 0, 1, -1)])


def real_pairs(cohort: Any, case_ids: list[str], config: dict[str, Any]) -> np.ndarray:
    """Image and mask of at most 100 real cases, `(n, 2, *spatial)`; of the class that a translation ends in."""
    domains = config.get("domains")
    wanted = [c for c in case_ids if not domains or cohort.cases.at[c, domains["column"]] == domains["target"]]
    return np.stack([pair(cohort.image(c), 1.0 * (cohort.mask(c) > 0)[None]) for c in wanted[:DRAWN]])


def held_out(cohort: Any, config: dict[str, Any]) -> np.ndarray:
    """Real cases that no generator has seen."""
    return real_pairs(cohort, cohort.test, config)


def frechet(first: np.ndarray, second: np.ndarray) -> float:
    """Frechet distance of two sets of arrays `(n, 2, *spatial)` in random convolutional features."""
    from synthtrial.fidelity.features.random_conv import RandomConv
    from synthtrial.fidelity.metrics.frechet import frechet_distance

    extract = RandomConv(spatial_dims=first.ndim - 2)
    return frechet_distance(extract(first.astype(np.float32)), extract(second.astype(np.float32)))


def scale(cohort: Any, config: dict[str, Any]) -> dict[str, float]:
    """What the distance is for Gaussian noise, and for other real cases."""
    seen = real_pairs(cohort, cohort.development, config)
    axes = (0, *range(2, seen.ndim))
    mean, deviation = seen.mean(axes, keepdims=True), seen.std(axes, keepdims=True)
    noise = np.random.default_rng(0).normal(mean, deviation, seen.shape)
    return {"noise": frechet(held_out(cohort, config), noise), "real": frechet(held_out(cohort, config), seen)}


def print_table(results: list[dict[str, Any]]) -> None:
    """One Markdown row per generator."""
    print("| generator | dims | parameters | images | images/s | memory, MiB | untrained | trained | noise | real |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for result in results:
        counts, distances = sum(result["parameters"].values()), result["frechet"]
        cells = [result["generator"], result["dims"], f"{counts:,}", result["images"]]
        cells += [f"{result['images_per_second']:.1f}", f"{result['peak_mib']:.0f}"]
        cells += [f"{distances[key]:.3g}" for key in ("untrained", "trained", "noise", "real")]
        print("|", " | ".join(map(str, cells)), "|")
        if result["collapsed"]:
            print("collapsed:", result["collapsed"])


if __name__ == "__main__":
    main()
