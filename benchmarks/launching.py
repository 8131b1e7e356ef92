"""What it costs to run a command as a job of submitit on this machine: `python benchmarks/launching.py [--turns 5]`."""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from synthtrial.launching.command import Command
from synthtrial.launching.launch import launch_commands
from synthtrial.launching.launcher import named_launcher, read_launcher

CONF = Path(__file__).resolve().parents[1] / "conf"


def main() -> None:
    """Launch a command that does nothing, in turns as a plain process and as a job, and print the seconds it takes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=5, help="launches of each kind (default: 5)")
    turns = parser.parse_args().turns
    taken: dict[str, list[float]] = {"none": [], "local": []}
    for _ in range(turns):
        for name, seconds in taken.items():
            with tempfile.TemporaryDirectory() as folder:
                command = Command("nothing", (sys.executable, "-c", "pass"), Path(folder))
                started = time.perf_counter()
                launch_commands([command], read_launcher(named_launcher(name, CONF)), Path(folder) / "logs", name)
                seconds.append(time.perf_counter() - started)
    for name, seconds in taken.items():
        print(f"launcher={name}: median {statistics.median(seconds):.2f} s, {min(seconds):.2f} to {max(seconds):.2f} s")
    print(f"load of the machine in the last minute: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
