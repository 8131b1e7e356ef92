"""The memorisation audit of a synthetic cohort: copies in pixels and features, and the membership attack."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from synthtrial.fidelity.audit.copies import CopyDetector, Nearest
from synthtrial.fidelity.audit.membership import feature_distances, membership_auc, pixel_distances
from synthtrial.fidelity.audit.neighbours import FeatureNeighbours
from synthtrial.fidelity.audit.rule import LIMIT, CopyRule
from synthtrial.fidelity.cases import Cases
from synthtrial.fidelity.measured import Measured


@dataclass(frozen=True)
class AuditFeatures:
    """Features of the same cases, in the same order, that are audited in pixels.

    Attributes:
        training: `(n, d)`.
        held_out: `(m, d)`, or None without held-out cases.
        synthetic: `(k, d)`.
    """

    training: np.ndarray
    held_out: np.ndarray | None
    synthetic: np.ndarray


@dataclass(frozen=True)
class SpaceAudit:
    """What the audit found in one space: pixels, or one extractor's features.

    Attributes:
        synthetic: the nearest training case of each synthetic one.
        held_out: the same of each held-out real case; None where there are none.
        held_out_flagged: share of held-out patients with a flagged case; None where there are none.
        real_distances: of each training case to the nearest one of another patient `(n,)`.
        real_scores: score of each training case without its own patient `(n,)`.
        threshold: of the score.
        stated_rate: bound of the share of held-out patients that are flagged.
        duplicates: pairs of training cases of two patients that are one image.
    """

    synthetic: tuple[Nearest, ...]
    held_out: tuple[Nearest, ...] | None
    held_out_flagged: float | None
    real_distances: np.ndarray
    real_scores: np.ndarray
    threshold: float
    stated_rate: float
    duplicates: tuple[tuple[str, str], ...]

    @property
    def share(self) -> Measured:
        """Share of synthetic cases that are flagged, with a Wilson interval, beside that of held-out patients."""
        flagged, count = sum(one.copy for one in self.synthetic), len(self.synthetic)
        low, high = wilson_interval(flagged, count)
        floor = self.stated_rate if self.held_out_flagged is None else self.held_out_flagged
        return Measured(flagged / count, low, high, floor=floor, ceiling=None, better="lower")


@dataclass(frozen=True)
class Audit:
    """The whole audit.

    Attributes:
        case_ids: the synthetic cases, in the order of each space.
        spaces: by name, `pixels` or the extractor's.
        membership: AUC of the membership attack by space; empty without held-out cases.
        without_membership: why there is no attack; empty where there is one.
    """

    case_ids: tuple[str, ...]
    spaces: dict[str, SpaceAudit]
    membership: dict[str, Measured]
    without_membership: str

    def measurements(self) -> dict[str, Measured]:
        """`copies/<space>_n<count>` and `membership_auc/<space>_n<count>` for count synthetic cases."""
        count = len(self.case_ids)
        copies = {f"copies/{space}_n{count}": found.share for space, found in self.spaces.items()}
        return copies | {f"membership_auc/{space}_n{count}": auc for space, auc in self.membership.items()}

    def closest(self, space: str, count: int) -> list[tuple[str, Nearest]]:
        """The synthetic cases with the smallest scores and their nearest training cases, closest first."""
        pairs = zip(self.case_ids, self.spaces[space].synthetic, strict=True)
        return sorted(pairs, key=lambda pair: (pair[1].score, pair[0]))[:count]

    def as_json(self, closest: int = 20) -> dict[str, Any]:
        """All that the figures and the report need, as plain numbers and texts.

        Args:
            closest: how many of the closest pairs are listed per space.
        """
        return {
            "spaces": {space: self._space_as_json(space, closest) for space in self.spaces},
            "without_membership": self.without_membership,
        }

    def _space_as_json(self, space: str, closest: int) -> dict[str, Any]:
        found = self.spaces[space]
        held_out = found.held_out or ()
        return {
            "threshold": found.threshold,
            "stated_rate": found.stated_rate,
            "duplicates": [list(pair) for pair in found.duplicates],
            "flagged": [i for i, one in zip(self.case_ids, found.synthetic, strict=True) if one.copy],
            "held_out_flagged": found.held_out_flagged,
            "distances": {
                "synthetic": [one.distance for one in found.synthetic],
                "real": found.real_distances.tolist(),
                "held_out": [one.distance for one in held_out],
            },
            "scores": {
                "synthetic": [one.score for one in found.synthetic],
                "real": found.real_scores.tolist(),
                "held_out": [one.score for one in held_out],
            },
            "closest": [{"synthetic": i, **asdict(one)} for i, one in self.closest(space, closest)],
        }


def audit(
    *,
    training: Cases,
    held_out: Cases | None,
    synthetic: Cases,
    features: Mapping[str, AuditFeatures],
    rate: float,
    rng: np.random.Generator,
    limit: float = LIMIT,
    altered: Collection[str] = (),
) -> Audit:
    """Look for copies of training cases among synthetic ones, and attack their membership.

    A share of flagged cases means little by itself: real held-out cases have one, too, and it stands beside it. Cases
    that the gate of the synthesis has rejected are not among the synthetic ones, so give this all that were drawn to
    learn how much the generator has memorised.

    Args:
        training: cases that the generator has seen, of at least 3 patients.
        held_out: real cases that it has not seen, of other patients; None where there are none.
        synthetic: at least 1.
        features: of the same cases, by the extractor's name.
        rate: share of held-out patients that may be flagged.
        rng: of the bootstrap.
        limit: highest threshold of the score: a copy is closer than this share of the usual distance.
        altered: ids of training cases that are altered copies of others. Nobody asks whether these were in the training
            set, and what has been resampled is closer to what a generator draws than any held-out case.

    Raises:
        SynthtrialError: for fewer than 3 training patients, or images that can't be compared.
    """
    held_out = held_out or None
    detector = CopyDetector(training, rate=rate, limit=limit)
    of_synthetic = [detector(image) for image in synthetic.images()]
    of_held_out = None if held_out is None else [detector(image) for image in held_out.images()]
    spaces = {"pixels": _space(detector.rule, training, of_synthetic, of_held_out, held_out)}
    for name, of in features.items():
        neighbours = FeatureNeighbours(of.training, training.case_ids, training.patients, rate=rate, limit=limit)
        of_synthetic = [neighbours(one) for one in of.synthetic]
        of_held_out = None if of.held_out is None else [neighbours(one) for one in of.held_out]
        spaces[name] = _space(neighbours.rule, training, of_synthetic, of_held_out, held_out)
    membership = {} if held_out is None else _attack(training, held_out, synthetic, features, altered, rng)
    why = "" if held_out else "every real case of this kind was in the training set: no membership can be guessed"
    return Audit(synthetic.case_ids, spaces, membership, why)


def wilson_interval(count: int, total: int) -> tuple[float, float]:
    r"""95 % interval of a share (Wilson 1927, JASA 22, 209).

    .. math:: \frac{p + z^2 / 2n \pm z \sqrt{p (1 - p) / n + z^2 / 4n^2}}{1 + z^2 / n}
    """
    from scipy.stats import binomtest

    interval = binomtest(count, total).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def _space(
    rule: CopyRule,
    training: Cases,
    of_synthetic: list[Nearest],
    of_held_out: list[Nearest] | None,
    held_out: Cases | None,
) -> SpaceAudit:
    flagged = None
    if held_out is not None and of_held_out is not None:
        suspects = {p for p, one in zip(held_out.patients, of_held_out, strict=True) if one.copy}
        flagged = len(suspects) / len(set(held_out.patients))
    return SpaceAudit(
        synthetic=tuple(of_synthetic),
        held_out=None if of_held_out is None else tuple(of_held_out),
        held_out_flagged=flagged,
        real_distances=rule.distances,
        real_scores=rule.scores,
        threshold=rule.threshold,
        stated_rate=rule.stated_rate,
        duplicates=tuple((training.case_ids[i], training.case_ids[j]) for i, j in rule.duplicates),
    )


def _attack(
    training: Cases,
    held_out: Cases,
    synthetic: Cases,
    features: Mapping[str, AuditFeatures],
    altered: Collection[str],
    rng: np.random.Generator,
) -> dict[str, Measured]:
    rows = [row for row, case_id in enumerate(training.case_ids) if case_id not in altered]
    case_ids, patients = (tuple(names[row] for row in rows) for names in (training.case_ids, training.patients))
    members = Cases(training.source, case_ids, patients)
    distances = {"pixels": (pixel_distances(members, synthetic), pixel_distances(held_out, synthetic))}
    for name, of in features.items():
        if of.held_out is not None:
            of_held_out = feature_distances(of.held_out, of.synthetic)
            distances[name] = feature_distances(of.training[rows], of.synthetic), of_held_out
    return {
        space: membership_auc(inside, outside, members.patients, held_out.patients, rng)
        for space, (inside, outside) in distances.items()
    }
