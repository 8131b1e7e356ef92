"""The oracle: what a perfect generator would draw, patients from the very source of the cohort that nobody has seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from synthtrial.cohorts.case import CaseRef, Reader, build_reader
from synthtrial.cohorts.fresh import fresh_cohort
from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.cohorts.preparing_case import prepared_arrays
from synthtrial.cohorts.settings import PrepareSettings
from synthtrial.errors import ConfigError
from synthtrial.gans.controls.control import Control, Kept, wanted
from synthtrial.gans.dataset import RealCases
from synthtrial.params import construct

STREAM = 0x0AC1E
"""Tells the oracle's random numbers from others of the same seed."""

MORE = (2, 20, 200)
"""So many times the patients that are wanted are listed, to find those of rare sites; listing costs next to nothing."""


class Oracle(Control):
    """Draw i is a new patient of the phantom, of a site and a class that the split has, prepared as the cohort was.

    A trial that does not find these cases helpful, where more real cases would be, can't find anything.

    Args:
        image_size, image_channels, spatial_dims: see `Control`.
        per_real: patients that can be drawn for each real case of the split, of whichever class.
        cohort: the study's `cohort:`, a phantom.
        prepare: the study's `prepare:`.

    Raises:
        ConfigError: for a cohort of real patients: there is no oracle for them.
    """

    def __init__(
        self,
        *,
        image_size: int | Sequence[int],
        image_channels: int,
        spatial_dims: int,
        per_real: float,
        cohort: Mapping[str, Any],
        prepare: Mapping[str, Any],
    ) -> None:
        super().__init__(image_size=image_size, image_channels=image_channels, spatial_dims=spatial_dims)
        fresh_cohort(cohort, n_patients=2, seed=0)  # so that a real cohort is refused when the study is composed
        self.cohort, self.per_real = cohort, per_real
        self.settings = construct(PrepareSettings, prepare, "prepare")

    def cases(self, real: RealCases) -> Iterator[Kept]:
        """Patients that no cohort has, encoded as the real ones are."""
        check_prepared(real.cohort, self.cohort, self.settings)
        reader, refs = self.patients(real)
        for ref in refs:
            image, mask = prepared_arrays(ref, reader=reader, settings=self.settings)
            assert mask is not None  # a phantom has them
            yield Kept(real.encode(image, mask), ref.label)

    def patients(self, real: RealCases) -> tuple[Reader, list[CaseRef]]:
        """As many new patients as are wanted, of the sites and classes that the split has."""
        count = wanted(self.per_real, self.split_size)
        known = real.cohort.cases.loc[real.roles.real]
        sites, labels = set(known["site"]), set(known["label"])
        seed = int(np.random.SeedSequence([self.seed, STREAM]).generate_state(1)[0])
        for factor in MORE:
            reader = build_reader(fresh_cohort(self.cohort, n_patients=factor * count, seed=seed))
            refs = [ref for ref in reader.find() if ref.site in sites and ref.label in labels]
            if len(refs) >= count:
                order = np.random.default_rng(seed).permutation(len(refs))
                return reader, [refs[place] for place in order[:count]]
        raise ConfigError(
            f"of {MORE[-1] * count} new patients only {len(refs)} were of the sites {sorted(sites)} and the classes "
            f"{sorted(labels)} of this split, and {count} are needed: lower the oracle's per_real"
        )


def check_prepared(prepared: PreparedCohort, cohort: Mapping[str, Any], settings: PrepareSettings) -> None:
    """Raise a ConfigError unless the oracle's settings are those that the cohort was prepared with."""
    if (prepared.facts["name"], prepared.shape) != (cohort["name"], tuple(settings.shape)):
        raise ConfigError(
            f"the oracle draws patients of {cohort['name']!r} with shape {list(settings.shape)}, but the prepared "
            f"cohort is {prepared.facts['name']!r} with {list(prepared.shape)}: leave the oracle's `cohort` and "
            "`prepare` as conf/control/oracle.yaml has them"
        )
