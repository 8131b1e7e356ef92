"""Strata of the test patients: their sites, where sites have enough patients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SMALL = "sites with one patient"


def strata_of(sites: Sequence[str]) -> np.ndarray | None:
    """Strata within which patients are compared.

    A variance within a site needs two patients. So sites with one patient are joined to one stratum; where that still
    has one patient, it joins the smallest of the others. What is joined keeps its differences between sites as
    variance of patients, which is on the safe side.

    Args:
        sites: site of each patient; empty where it is not known.

    Returns:
        The stratum of each patient, `(patients,)`; None when there is only one.
    """
    strata = np.array([str(site) for site in sites], dtype=object)
    names, counts = np.unique(strata, return_counts=True)
    alone = set(names[counts == 1])
    one_is_left = len(alone) == 1 < len(names)
    joined = names[counts > 1][np.argmin(counts[counts > 1])] if one_is_left else SMALL
    strata = np.array([joined if name in alone else name for name in strata], dtype=object)
    return strata if len(set(strata)) > 1 else None
