"""Finding files by a pattern with named fields, such as `images/{case}.nii.gz`."""

from __future__ import annotations

import re
from pathlib import Path

from synthtrial.errors import CohortError, ConfigError

FIELD = re.compile(r"\{(\w+)\}")


def require_root(root: Path | str, where_to_get: str, layout: str) -> Path:
    """Return the root folder of a raw cohort.

    Raises:
        CohortError: when it does not exist; says where the data can be had and how to lay it out.
    """
    root = Path(root)
    if not root.is_dir():
        raise CohortError(
            f"the cohort's root folder {root} does not exist.\n"
            f"  where to get the data: {where_to_get or 'not told (cohort.where_to_get)'}\n"
            f"  how to lay it out: {layout or 'not told (cohort.layout)'}\n"
            "  Put it there, or set cohort.root to where it is"
        )
    return root


def find_files(root: Path, pattern: str) -> list[tuple[dict[str, str], Path]]:
    """Find the files under `root` that match `pattern`, and what its fields stand for in each.

    `{name}` stands for one or more characters of one folder or file name, and for the same ones wherever it comes
    again; `*` and `?` are those of a shell, and `**/` is any number of folders. Hidden files are left out.

    Returns:
        One (fields, path) per file, sorted by path.
    """
    glob = FIELD.sub("*", pattern)
    if Path(glob).is_absolute():
        raise ConfigError(f"the pattern {pattern!r} must be relative to the cohort's root")
    expression = re.compile(_expression(pattern))
    found = []
    for path in sorted(root.glob(glob)):
        match = expression.fullmatch(path.relative_to(root).as_posix())
        if match and path.is_file() and not path.name.startswith("."):
            found.append((match.groupdict(), path))
    return found


def require_fields(pattern: str, *fields: str) -> None:
    """Raise a `ConfigError` when the pattern lacks one of the fields."""
    for field in fields:
        if field not in FIELD.findall(pattern):
            raise ConfigError(f"the pattern {pattern!r} lacks {{{field}}}: it must say where the {field} id stands")


def _expression(pattern: str) -> str:
    """Translate the pattern into a regular expression with one named group per field."""
    parts, seen = [], set()
    for token in re.split(r"(\{\w+\}|\*\*/|\*|\?)", pattern):
        if field := FIELD.fullmatch(token):
            name = field[1]
            parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>[^/]+)")
            seen.add(name)
        else:
            parts.append({"**/": "(?:[^/]+/)*", "*": "[^/]*", "?": "[^/]"}.get(token, re.escape(token)))
    return "".join(parts)
