"""Time the routes to the Frechet distance side by side: `python benchmarks/frechet.py [--threads 2]`.

The routes differ in how they get the trace of (S1 S2)^(1/2): by `scipy.linalg.sqrtm` of the product, by its eigenvalues
(as torchmetrics), by those of the symmetric product, or by the singular values of covariance factors, as synthtrial. A
last one takes eigenvalues where synthtrial takes singular values: fast, but it squares, which costs half of the digits.
Each route runs in its own process, so that its peak memory is its own; the features themselves are part of it.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy import linalg

from synthtrial.fidelity.metrics.frechet import covariance_factor, frechet_distance

Route = Callable[[np.ndarray, np.ndarray], float]
D = 2048
SIZES = (64, 128, 256, 512, 2048, 8192)
HALVES = 20


def with_trace_of_root(trace_of_root: Route) -> Route:
    """Complete a route by the textbook formula: the route takes two covariances `(d, d)`."""

    def distance(first: np.ndarray, second: np.ndarray) -> float:
        covariance_1, covariance_2 = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
        means = ((first.mean(axis=0) - second.mean(axis=0)) ** 2).sum()
        traces = np.trace(covariance_1) + np.trace(covariance_2)
        return float(means + traces - 2 * trace_of_root(covariance_1, covariance_2))

    return distance


def by_sqrtm(covariance_1: np.ndarray, covariance_2: np.ndarray) -> float:
    return float(np.trace(linalg.sqrtm(covariance_1 @ covariance_2)).real)


def by_eigenvalues_of_product(covariance_1: np.ndarray, covariance_2: np.ndarray) -> float:
    return float(np.sqrt(linalg.eigvals(covariance_1 @ covariance_2).astype(complex)).real.sum())


def by_torchmetrics(first: np.ndarray, second: np.ndarray) -> float:
    import torch
    from torchmetrics.image.fid import _compute_fid

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    features = [torch.from_numpy(one) for one in (first, second)]
    means, covariances = [one.mean(dim=0) for one in features], [one.T.cov() for one in features]
    return float(_compute_fid(means[0], covariances[0], means[1], covariances[1]))


def by_symmetric_product(covariance_1: np.ndarray, covariance_2: np.ndarray) -> float:
    values, vectors = linalg.eigh(covariance_1)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    return float(np.sqrt(linalg.eigvalsh(root @ covariance_2 @ root).clip(0)).sum())


def by_squared_singular_values(first: np.ndarray, second: np.ndarray) -> float:
    factor_1, factor_2 = covariance_factor(first), covariance_factor(second)
    cross = factor_1 @ factor_2.T
    trace_of_root = np.sqrt(linalg.eigvalsh(cross @ cross.T).clip(0)).sum()
    means = ((first.mean(axis=0) - second.mean(axis=0)) ** 2).sum()
    return float(means + (factor_1**2).sum() + (factor_2**2).sum() - 2 * trace_of_root)


ROUTES: dict[str, Route] = {
    "sqrtm of the product (scipy)": with_trace_of_root(by_sqrtm),
    "eigenvalues of the product (scipy)": with_trace_of_root(by_eigenvalues_of_product),
    "eigenvalues of the product (torchmetrics)": by_torchmetrics,
    "eigenvalues of the symmetric product": with_trace_of_root(by_symmetric_product),
    "eigenvalues of the squared cross product": by_squared_singular_values,
    "singular values of the cross product (synthtrial)": frechet_distance,
}


def features_of(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, D)), 1.1 * rng.standard_normal((n, D)) + 0.05


def timed(route: Route, first: np.ndarray, second: np.ndarray, runs: int = 1) -> dict[str, float]:
    """Best wall seconds of some runs, with the CPU seconds of that run, and the distance."""
    results = []
    for _ in range(runs):
        start, cpu_start = time.perf_counter(), time.process_time()
        value = route(first, second)
        results.append((time.perf_counter() - start, time.process_time() - cpu_start, value))
    return dict(zip(("wall", "cpu", "value"), min(results), strict=True))


def measure_route(name: str, n: int) -> dict[str, float]:
    first, second = features_of(n)
    ROUTES[name](first[:8, :4], second[:8, :4])  # imports what the route needs, which is not to be timed
    result = timed(ROUTES[name], first, second)
    result["mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    result["residue"] = residue_of_equal_sets(ROUTES[name])
    return result


def residue_of_equal_sets(route: Route) -> float:
    """Distance of a set to itself in another order, as a share of its variance: what is left of 0.

    The variance falls from one direction to the next, as that of network features does, and there are n = d cases.
    """
    rng = np.random.default_rng(2)
    rotation = np.linalg.qr(rng.standard_normal((100, 100)))[0]
    features = (rng.standard_normal((100, 100)) * 10.0 ** -np.linspace(0, 4, 100)) @ rotation
    return abs(route(features, features[::-1].copy())) / features.var(axis=0).sum()


def measure_halves(n: int) -> dict[str, float]:
    """Value and floor over random halves of features that were extracted once."""
    first, second = features_of(n)
    rng = np.random.default_rng(1)
    start, cpu_start = time.perf_counter(), time.process_time()
    for _ in range(HALVES):
        real, synthetic = rng.permutation(n), rng.permutation(n)[: n // 2]
        frechet_distance(first[real[: n // 2]], second[synthetic])
        frechet_distance(first[real[: n // 2]], first[real[n // 2 :]])
    mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"wall": time.perf_counter() - start, "cpu": time.process_time() - cpu_start, "mib": mib}


def in_own_process(threads: int, *words: str) -> dict[str, float]:
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
    run = [sys.executable, __file__, "--one", *words]
    return json.loads(subprocess.run(run, env=environment, check=True, capture_output=True, text=True).stdout)


def routes_table(threads: int) -> Table:
    columns = ("n + n", "route", "wall s", "CPU s", "peak MiB", "distance", "equal sets")
    table = Table(*columns, title=f"Routes at d = {D}, float64, {threads} threads")
    for n in (256, 2048):
        for name in ROUTES:
            one = in_own_process(threads, "route", name, str(n))
            numbers = (f"{one['wall']:.2f}", f"{one['cpu']:.2f}", f"{one['mib']:.0f}", f"{one['value']:.6f}")
            table.add_row(f"{n} + {n}", name, *numbers, f"{one['residue']:.0e}")
        table.add_section()
    return table


def sizes_table(threads: int) -> Table:
    table = Table("n + n", "wall ms", "CPU ms", "CPU ms per n^2 d 10^-9", title=f"synthtrial by n, d = {D}")
    for n in SIZES:
        one = in_own_process(threads, "size", "", str(n))
        per_work = 1000 * one["cpu"] / (n**2 * D / 1e9)
        table.add_row(f"{n} + {n}", f"{1000 * one['wall']:.1f}", f"{1000 * one['cpu']:.1f}", f"{per_work:.0f}")
    return table


def halves_table(threads: int) -> Table:
    title = f"{HALVES} halves, value and floor, features kept"
    table = Table("cases of each kind", "wall s", "CPU s", "peak MiB", title=title)
    for n in (64, 256, 1024):
        one = in_own_process(threads, "halves", "", str(n))
        table.add_row(str(n), f"{one['wall']:.2f}", f"{one['cpu']:.2f}", f"{one['mib']:.0f}")
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description="Time the routes to the Frechet distance side by side.")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--one", nargs=3, metavar=("WHAT", "ROUTE", "N"), help="measure one and print JSON")
    words = parser.parse_args()
    if words.one:
        what, route, n = words.one[0], words.one[1], int(words.one[2])
        measured = {
            "route": lambda: measure_route(route, n),
            "size": lambda: timed(frechet_distance, *features_of(n), runs=7 if n < 1000 else 2),
            "halves": lambda: measure_halves(n),
        }
        print(json.dumps(measured[what]()))
        return
    console = Console(width=130)
    for table in (routes_table, sizes_table, halves_table):
        console.print(table(words.threads))


if __name__ == "__main__":
    main()
