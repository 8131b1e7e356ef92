"""A Lightning logger that hands metrics on to another process."""

from __future__ import annotations

from typing import Any

from pytorch_lightning.loggers import Logger

from synthtrial.trial.running.crew import Tell


class ForwardingLogger(Logger):
    """Says `("log", metrics, step)` for all that is logged.

    MLflow is written by the one process that leads, as several writers would wait for each other's locks.

    Args:
        tell: hands on what is said.
    """

    def __init__(self, tell: Tell) -> None:
        super().__init__()
        self.tell = tell

    @property
    def name(self) -> str:
        """Lightning asks for one."""
        return "forwarded"

    @property
    def version(self) -> str:
        """Lightning asks for one."""
        return ""

    def log_hyperparams(self, *_: Any, **__: Any) -> None:
        """The stage logs its settings itself."""

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Hand metrics on."""
        self.tell("log", metrics, step or 0)
