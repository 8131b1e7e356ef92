"""Which generator learns from what, and what `model.json` says of it afterwards."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.cohorts.representations.building import build_representation
from synthtrial.errors import ConfigError
from synthtrial.gans.fitting import as_size
from synthtrial.gans.generator import Generator
from synthtrial.gans.model import parameter_counts
from synthtrial.gans.roles import Roles, roles_of
from synthtrial.gans.transfer import Transfer


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """A generator, and the part of a cohort that it may see.

    Attributes:
        config: the generator's configuration, see conf/generator and conf/control.
        name: what the study calls it.
        cohort: the prepared cohort.
        split: name of the part of the cohort.
        case_ids: the cases of that part.
        seed: of everything that is random while it learns.
    """

    config: dict[str, Any]
    name: str
    cohort: PreparedCohort
    split: str
    case_ids: list[str]
    seed: int

    def roles(self, uses_unlabelled: bool) -> Roles:
        """The cases of the split by what the generator does with them.

        Raises:
            ConfigError: when a class or a domain has no case.
        """
        return roles_of(self.config, self.cohort, self.case_ids, uses_unlabelled)

    def representation(self) -> dict[str, Any]:
        """The generator's `representation:` subtree, completed with the facts of the cohort.

        Raises:
            ConfigError: when the generator's `image_channels` are not what the representation yields.
        """
        config, cohort = self.config, self.cohort
        settings = {
            **config["representation"],
            "labels": cohort.labels,
            "image_channels": cohort.facts["channels"],
            "shape": list(cohort.shape),
            "padded_shape": list(as_size(config["image_size"], config["spatial_dims"])),
        }
        channels = build_representation(settings).channels
        if channels != config["image_channels"]:
            raise ConfigError(
                f"image_channels={config['image_channels']}, but this cohort's images and masks make {channels} "
                "channels"
            )
        return settings

    def facts(
        self,
        generator: Generator,
        roles: Roles,
        weights_sha256: str,
        *,
        images_seen: int = 0,
        started: Transfer | None = None,
        collapse: str = "",
        snapshots: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        """The content of `model.json`.

        Args:
            generator: after it has learned.
            roles: the cases that it has learned from; augmented copies count as their originals.
            weights_sha256: of `generator.safetensors`.
            images_seen: in training.
            started: what it took from another training.
            collapse: why its training was judged to have collapsed; empty when it was not.
            snapshots: SHA-256 of the weights kept on the way, by the number of images.
        """
        used = set(roles.seen)
        seen_cases = [case_id for case_id in self.case_ids if case_id in used]
        return {
            "generator": self.name,
            "config": self.config,
            "representation": self.representation(),
            "split": self.split,
            "seen_cases": seen_cases,
            "seen_patients": sorted(self.cohort.patients(seen_cases)),
            "start_from": asdict(started) if started else None,
            "images_seen": images_seen,
            "seed": self.seed,
            "collapsed": bool(collapse),
            "reason": collapse,
            "weights_sha256": weights_sha256,
            "snapshots": snapshots or {},
            "parameters": parameter_counts(generator),
        }
