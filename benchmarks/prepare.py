"""Print cases per second and peak memory of `prepare` on phantom cases: `python benchmarks/prepare.py`.

With one worker and with two. Time should grow linearly with the number of cases, memory hardly. Making the phantoms
takes most of the time.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COUNTS = (20, 40, 80)


def measure(n: int, workers: int) -> None:
    """Prepare `n` cases in this process and its workers alone, so that its peak memory tells of nothing else."""
    from synthtrial.cohorts.phantom_ct import PhantomCT
    from synthtrial.cohorts.preparing import prepare
    from synthtrial.cohorts.settings import PrepareSettings

    reader = PhantomCT(
        n_patients=n,
        extent_mm=(352, 256, 128),
        sites=[{"name": "one", "spacing_mm": [3.0, 3.0, 3.0], "noise_hu": 20, "blur_mm": 0.8}],
        lesion_mm={"benign": 22, "malignant": 36},
    )
    settings = PrepareSettings(
        shape=(64, 64, 32), spacing_mm=(4, 4, 4), window={"low": -1000, "high": 600}, crop="lesion"
    )
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        prepare(reader, Path(folder) / "prepared", settings=settings, seed=0, workers=workers)
        seconds = time.perf_counter() - start
    mib = [resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(
        f"{n:4d} cases: {seconds:6.1f} s, {n / seconds:5.1f} cases/s, "
        f"peak {mib[0]:5.0f} MiB here, {mib[1]:5.0f} MiB in the largest of {workers} worker(s)"
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(int(sys.argv[1]), int(sys.argv[2]))
    else:
        for workers in (1, 2):
            for count in COUNTS:
                subprocess.run([sys.executable, __file__, str(count), str(workers)], check=True)
