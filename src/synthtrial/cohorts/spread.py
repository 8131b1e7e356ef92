"""How numbers are spread, as the cohort report tells it."""

from __future__ import annotations

from typing import Any

import numpy as np


def spread(values: Any) -> dict[str, float]:
    """Minimum, median, mean and maximum."""
    values = np.asarray(values, dtype=np.float64)
    return {
        "min": round(float(values.min()), 6),
        "median": round(float(np.median(values)), 6),
        "mean": round(float(values.mean()), 6),
        "max": round(float(values.max()), 6),
    }
