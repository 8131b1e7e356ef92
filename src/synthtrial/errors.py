"""The one kind of error a user can cause, and how a script reports it."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Callable

from synthtrial.secrets import mask_logs, masked


class SynthtrialError(Exception):
    """A mistake the user can mend: what is wrong, where, what was expected, what to do.

    Scripts print the message alone, without a traceback, and exit with code 1.
    """


class ConfigError(SynthtrialError):
    """A setting is unknown, missing, stale or out of range."""


class CohortError(SynthtrialError):
    """The raw data can't be used as it is: a file, a shape, a mask, an id."""


class LeakError(SynthtrialError):
    """A case that is judged on was seen in training."""


class JobError(SynthtrialError):
    """A launched command has failed."""


class TrainingError(SynthtrialError):
    """Training can't go on: losses are not finite, or the weights don't fit.

    Of several processes that train together, all raise it alike, and the leading one tells it.
    """


def run_script(main: Callable[[], None]) -> None:
    """Run a pipeline script; turn a `SynthtrialError` into one message and exit code 1.

    The word `--debug` anywhere on the command line shows the full traceback instead.
    """
    logging.basicConfig(format="%(levelname)s: %(message)s")
    quieten_libraries()
    mask_logs()
    debug = "--debug" in sys.argv
    if debug:
        sys.argv.remove("--debug")
    leading = _is_leading()
    try:
        main()
    except SynthtrialError as error:
        if debug:
            raise
        if not leading and isinstance(error, TrainingError):
            sys.exit(0)  # the leading process has met the same, and tells it; code 1 would make Lightning kill it first
        print(masked(f"error: {error}"), file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        if leading:
            print("\nstopped; the same command goes on from the last checkpoint", file=sys.stderr)
        sys.exit(130)


def _is_leading() -> bool:
    """Whether this process leads its training; one that Lightning has started for another is told to end with it."""
    from synthtrial.processes import end_with_leader, leads, starter

    if leads():
        return True
    if starter() == "lightning" and os.environ.get("LOCAL_RANK", "0") != "0":
        end_with_leader()
    warnings.filterwarnings("ignore")  # the leading process gives the same
    return False


def quieten_libraries() -> None:
    """Keep what libraries tell their developers out of a script's output, and MLflow's usage reports at home."""
    warnings.filterwarnings("ignore", module=r"(pytorch_lightning|lightning_fabric|mlflow|monai)\..*")
    warnings.filterwarnings("ignore", message="Using padding='same' with even kernel lengths")  # some studies have such
    for name in ("pytorch_lightning.utilities.rank_zero", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    # MLflow sets its own logger up when it is imported, by these variables.
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
