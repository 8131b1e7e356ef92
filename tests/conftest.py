"""Small cohorts that tests write for themselves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from synthtrial.cohorts.prepared import PreparedCohort
from written_cohort import write_prepared_cohort


@pytest.fixture
def make_cohort(tmp_path: Path) -> Callable[..., PreparedCohort]:
    """Return a function that writes a small prepared cohort into the test's own folder."""

    def make(name: str = "prepared", **settings) -> PreparedCohort:
        return write_prepared_cohort(tmp_path / name, **settings)

    return make
