"""The test over sites: each site is one observation, however many patients it has."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from synthtrial.errors import ConfigError
from synthtrial.trial.sites import site_test


def test_it_is_the_t_test_over_the_sites_means():
    means = [0.02, 0.05, -0.01, 0.03]
    result = site_test(means, alpha=0.1)
    expected = stats.ttest_1samp(means, 0)
    assert result.p == pytest.approx(expected.pvalue) and result.df == 3
    assert (result.ci_low, result.ci_high) == pytest.approx(tuple(expected.confidence_interval(0.9)))


@pytest.mark.parametrize("sizes", [(30, 30, 30, 30, 30), (100, 3, 3, 40, 5), (20, 2, 2)])
@pytest.mark.parametrize("between", [0.0, 0.5])
def test_a_null_arm_is_called_different_in_5_percent_of_trials_or_fewer(sizes, between):
    rng = np.random.default_rng(0)
    errors = np.sqrt(between**2 + 1 / np.array(sizes))
    calls = [site_test(errors * rng.standard_normal(len(sizes))).p < 0.05 for _ in range(1000)]
    assert np.mean(calls) <= 0.05 + 2.5 * np.sqrt(0.05 * 0.95 / 1000)


def test_fewer_than_three_sites_have_no_verdict():
    with pytest.raises(ConfigError, match="2 sites.*at least 3.*holdout or nested"):
        site_test([0.1, 0.2])
