"""Time the routes to the Frechet distance side by side: `python benchmarks/frechet.py`.

The routes differ in how they get the trace of (S1 S2)^(1/2): by `scipy.linalg.sqrtm` of the product, by eigenvalues of
the product, by those of the symmetric product, or by the singular values of covariance factors, as synthtrial does.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy import linalg

from synthtrial.fidelity.frechet import frechet_distance

Route = Callable[[np.ndarray, np.ndarray], float]


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


def by_symmetric_product(covariance_1: np.ndarray, covariance_2: np.ndarray) -> float:
    values, vectors = linalg.eigh(covariance_1)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    return float(np.sqrt(linalg.eigvalsh(root @ covariance_2 @ root).clip(0)).sum())


ROUTES: dict[str, Route] = {
    "sqrtm of the product": with_trace_of_root(by_sqrtm),
    "eigenvalues of the product": with_trace_of_root(by_eigenvalues_of_product),
    "eigenvalues of the symmetric product": with_trace_of_root(by_symmetric_product),
    "singular values of factors (synthtrial)": frechet_distance,
}


def main() -> None:
    rng = np.random.default_rng(0)
    table = Table("n + n", "d", "route", "seconds", "distance")
    for n, d in ((256, 2048), (2048, 2048), (8192, 2048)):
        first, second = rng.standard_normal((n, d)), 1.1 * rng.standard_normal((n, d)) + 0.05
        for name, route in ROUTES.items():
            start = time.perf_counter()
            value = route(first, second)
            table.add_row(str(n), str(d), name, f"{time.perf_counter() - start:.2f}", f"{value:.6f}")
        table.add_section()
    Console().print(table)


if __name__ == "__main__":
    main()
