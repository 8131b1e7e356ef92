"""Passwords stay out of what is printed, logged and kept."""

from __future__ import annotations

import logging
import re
import sys
import traceback
from types import TracebackType
from typing import Any

PASSWORD_IN_URI = re.compile(r"(?P<before>[a-zA-Z][\w+.-]*://[^\s/@:'\"]*):[^\s/'\"]*@")
"""A scheme, a user and a password, as in postgresql://user:password@host."""


def masked(text: str) -> str:
    """A text in which `***` stands for the password of every URI."""
    return PASSWORD_IN_URI.sub(r"\g<before>:***@", text)


def holds_password(uri: str | None) -> bool:
    """Whether a URI says a password."""
    return bool(uri and PASSWORD_IN_URI.search(uri))


def mask_logs() -> None:
    """Mask passwords in every log record of this process, whoever handles it, and in a traceback that ends it."""
    make_record = logging.getLogRecordFactory()
    if getattr(make_record, "masks", False):
        return

    def make_masked(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make_record(*args, **kwargs)
        try:
            text = record.getMessage()
        except (TypeError, ValueError):  # arguments that don't fit the message: logging tells it in its own way
            return record
        if masked(text) != text:
            record.msg, record.args = masked(text), ()
        if record.exc_info and record.exc_info[0]:
            record.exc_text = masked("".join(traceback.format_exception(*record.exc_info)).rstrip())
        return record

    make_masked.masks = True  # type: ignore[attr-defined]
    logging.setLogRecordFactory(make_masked)
    sys.excepthook = show_masked


def show_masked(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print a traceback without passwords."""
    print(masked("".join(traceback.format_exception(kind, error, trace))), end="", file=sys.stderr)
