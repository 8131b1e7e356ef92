"""Reading what the raters send back: one CSV per rater, as the form writes it."""

from __future__ import annotations

import csv
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from synthtrial.errors import SynthtrialError

COLUMNS = ("form_id", "rater", "experience", "blinded_id", "score", "seconds", "comment")
HIGHEST = 10
"""Scores are whole numbers from 0, surely real, to this, surely made by a computer."""


@dataclass(frozen=True)
class Answer:
    """What a rater said of a case: score 0..10, time spent on it in seconds, comment."""

    score: int
    seconds: float
    comment: str


@dataclass(frozen=True)
class Ratings:
    """What a rater said of all cases, by blinded id."""

    rater: str
    experience: str
    answers: dict[str, Answer]
    path: Path


@dataclass(frozen=True)
class Line:
    """A line of a file, for messages, and its values by column."""

    place: str
    values: dict[str, str]


def read_all(paths: Sequence[Path], form_id: str, blinded_ids: Collection[str]) -> list[Ratings]:
    """Read the files of all raters.

    Args:
        paths: a CSV per rater.
        form_id: the form that they must be of.
        blinded_ids: the cases of that form.

    Raises:
        SynthtrialError: when a file is not what the form wrote, or two are by one rater.
    """
    found: dict[str, Ratings] = {}
    for path in paths:
        ratings = read_ratings(path, form_id, blinded_ids)
        same = found.setdefault(ratings.rater.casefold(), ratings)
        if same is not ratings:
            raise SynthtrialError(f"{path}: rater {ratings.rater!r} is in {same.path}, too; give one file per rater")
    return list(found.values())


def read_ratings(path: Path, form_id: str, blinded_ids: Collection[str]) -> Ratings:
    """Read the file of one rater; arguments and errors as in `read_all`."""
    lines = _lines(path)
    answers: dict[str, Answer] = {}
    for line in lines:
        blinded_id = line.values["blinded_id"]
        if line.values["form_id"] != form_id:
            raise SynthtrialError(
                f"{line.place}: this is of form {line.values['form_id']!r}, but the key is of form {form_id!r}; "
                "give the folder of the form that the rater had"
            )
        if blinded_id not in blinded_ids:
            raise SynthtrialError(f"{line.place}: form {form_id} has no case {blinded_id!r}")
        if blinded_id in answers:
            raise SynthtrialError(f"{line.place}: case {blinded_id} is rated a second time in this file")
        answers[blinded_id] = _answer(line)
    _check_whole(path, lines, answers, blinded_ids)
    rater, experience = (_unescaped(lines[0].values[name]) for name in ("rater", "experience"))
    return Ratings(rater, experience, answers, path)


def _lines(path: Path) -> list[Line]:
    """The lines of a file below its head. A spreadsheet may have saved it with semicolons."""
    text = _text(path)
    delimiter = ";" if text.partition("\n")[0].count(";") >= len(COLUMNS) - 1 else ","
    table = csv.reader(StringIO(text, newline=""), delimiter=delimiter)
    lines = []
    try:
        head = [name.strip() for name in next(table)]
        if missing := [name for name in COLUMNS if name not in head]:
            raise SynthtrialError(
                f"{path}, line 1: no column {', '.join(missing)}; give the CSV files that the form saves, with the "
                f"columns {', '.join(COLUMNS)}"
            )
        for row in filter(any, table):
            place = f"{path}, line {table.line_num}"
            if len(row) != len(head):
                raise SynthtrialError(f"{place}: {len(row)} values, but the head names {len(head)} columns")
            lines.append(Line(place, dict(zip(head, map(str.strip, row), strict=True))))
    except csv.Error as error:
        raise SynthtrialError(f"{path}, line {table.line_num}: not a CSV file ({error})") from error
    if not lines:
        raise SynthtrialError(f"{path}: there is a head, but no ratings")
    return lines


def _text(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise SynthtrialError(f"{path}: not a CSV file in UTF-8; ask for the file as the form saved it") from error
    except OSError as error:
        raise SynthtrialError(f"{path} can't be read: {error.strerror}") from error
    if not text.strip():
        raise SynthtrialError(f"{path} is empty; ask the rater to save it again")
    return text


def _answer(line: Line) -> Answer:
    score, seconds = (_number(line, name) for name in ("score", "seconds"))
    if score != int(score) or not 0 <= score <= HIGHEST:
        raise SynthtrialError(f"{line.place}: score is {score:g}, but scores are whole numbers from 0 to {HIGHEST}")
    if seconds < 0:
        raise SynthtrialError(f"{line.place}: seconds is {seconds:g}, less than no time")
    return Answer(int(score), seconds, _unescaped(line.values["comment"]))


def _number(line: Line, name: str) -> float:
    word = line.values[name]
    try:
        # A spreadsheet that saves with semicolons may write decimal commas.
        number = float(word.replace(",", "."))
        if abs(number) < float("inf"):
            return number
    except ValueError:
        pass
    raise SynthtrialError(f"{line.place}: {name} is {word!r}, not a number")


def _check_whole(path: Path, lines: list[Line], answers: dict[str, Answer], blinded_ids: Collection[str]) -> None:
    """One rater, all cases."""
    first = lines[0].values["rater"]
    if not first:
        raise SynthtrialError(f"{lines[0].place}: the rater's name is missing")
    for line in lines:
        if line.values["rater"] != first:
            raise SynthtrialError(
                f"{line.place}: rater {line.values['rater']!r}, above {first!r}; give one file per rater"
            )
    if missing := [blinded_id for blinded_id in blinded_ids if blinded_id not in answers]:
        some = ", ".join(missing[:5]) + (", ..." if len(missing) > 5 else "")
        raise SynthtrialError(
            f"{path}: {len(missing)} of {len(blinded_ids)} cases have no rating ({some}); ask the rater to finish"
        )


def escaped(text: str) -> str:
    """A text that no spreadsheet takes for a formula; the form escapes in the same way."""
    return f"'{text}" if text[:1] in ("'", "=", "+", "-", "@", "\t", "\r") and text else text


def _unescaped(text: str) -> str:
    return text.removeprefix("'")
