"""The test of protocol `site_out`: every model judges only the site that it left out, so a site is one observation.

The differences of one site's patients share the model and the site, and nothing tells those apart. So each site gives
one number, the mean difference m[s] over its patients, and the S numbers are tested against zero by Student's t with
S - 1 degrees of freedom. Sites with few patients have a noisier m[s]; no weights are needed for that: the t-test of
independent normal numbers holds every level up to 8 % however unequal their variances are (Ibragimov, Mueller
2010, J Bus Econ Stat 28:453, after Bakirov, Szekely 2005). What is tested is the mean over sites, each counting once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from synthtrial.errors import ConfigError
from synthtrial.trial.effect import Effect, t_effect

FEWEST_SITES = 3


def check_sites(n_sites: int) -> None:
    """Refuse a verdict on too few sites.

    Raises:
        ConfigError: with fewer than three.
    """
    if n_sites < FEWEST_SITES:
        raise ConfigError(
            f"protocol site_out has {n_sites} sites, and each counts as one observation: a verdict needs at least "
            f"{FEWEST_SITES}. Use protocol holdout or nested, or add sites"
        )


def site_test(site_means: Sequence[float], alpha: float = 0.05) -> Effect:
    """Test the mean over sites.

    Args:
        site_means: mean difference of each site, over its patients and repeats.
        alpha: one minus the coverage of the interval.

    Raises:
        ConfigError: with fewer than three sites.
    """
    check_sites(len(site_means))
    means = np.asarray(site_means, float)
    standard_error = float(means.std(ddof=1) / np.sqrt(len(means)))
    return t_effect(float(means.mean()), standard_error, len(means) - 1.0, alpha)
