"""Several cohorts as one, such as two scanners or two hospitals to translate between."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from synthtrial.cohorts.case import CaseRef, RawCase, Reader, build_reader, check_refs
from synthtrial.errors import ConfigError


@dataclass(frozen=True)
class JoinedRef(CaseRef):
    """A case under its new name.

    Attributes:
        inner: the case as its own cohort's reader knows it.
    """

    inner: CaseRef


class JoinedCohorts:
    """The cases of several cohorts; each cohort becomes a site, and patients of different cohorts stay apart.

    Case and patient ids get the cohort's name in front: `north-CASE`. Classes are kept.

    Args:
        name: of the joined cohort.
        readers: name -> what `conf/cohort` tells of this cohort. All must agree in unit, channels, labels and axes.

    Raises:
        ConfigError: when there are fewer than two, they don't agree, or a name can't begin an id.
    """

    def __init__(self, *, name: str, readers: Mapping[str, Mapping[str, Any]]) -> None:
        if len(readers) < 2:
            raise ConfigError(f"cohort.readers: expected two cohorts or more, but there are {len(readers)}")
        for key in readers:
            if not re.fullmatch(r"\w+", key):
                raise ConfigError(f"cohort.readers: the name {key!r} must be of letters, digits and _ alone")
        self.name = name
        self.readers: dict[str, Reader] = {key: build_reader(config) for key, config in readers.items()}
        first, *others = self.readers
        for fact in ("unit", "spatial_dims", "channels", "labels"):
            for other in others:
                ours, theirs = (getattr(self.readers[key], fact) for key in (first, other))
                if ours != theirs:
                    raise ConfigError(
                        f"cohort.readers: {first} and {other} can't be joined: {fact} is {ours} and {theirs}"
                    )
        reader = self.readers[first]
        self.unit, self.spatial_dims = reader.unit, reader.spatial_dims
        self.labels, self.channels = reader.labels, reader.channels
        self.patients_known = all(reader.patients_known for reader in self.readers.values())

    def find(self) -> list[CaseRef]:
        """List the cases of all cohorts."""
        refs = [_renamed(ref, name) for name, reader in self.readers.items() for ref in reader.find()]
        return check_refs(refs, f"the readers {', '.join(self.readers)}")

    def read(self, ref: CaseRef) -> RawCase:
        """Read one case by its own cohort's reader."""
        assert isinstance(ref, JoinedRef)
        return replace(self.readers[ref.site].read(ref.inner), ref=ref)


def _renamed(ref: CaseRef, cohort: str) -> JoinedRef:
    known = {field.name: getattr(ref, field.name) for field in fields(CaseRef)}
    new = {"case_id": f"{cohort}-{ref.case_id}", "patient_id": f"{cohort}-{ref.patient_id}", "site": cohort}
    return JoinedRef(**{**known, **new}, inner=ref)
