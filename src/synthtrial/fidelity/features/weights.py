"""Where the weights of a published network come from: a file that the user gives, or a download that they allow."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from synthtrial.errors import ConfigError
from synthtrial.fidelity.features.download import cache_folder, check_sha256, download


@dataclass(frozen=True)
class PublishedWeights:
    """A file of weights that anyone can get.

    Attributes:
        network: what it holds, for people.
        file: its name.
        url: where it lies.
        sha256: its checksum, 64 hexadecimal digits.
    """

    network: str
    file: str
    url: str
    sha256: str


@dataclass(frozen=True)
class ChosenWeights:
    """Which weights the user chose for a network; looked for at once, read and checked when they are asked for.

    Attributes:
        published: the file that the network is known by.
        path: the user's own copy, or other weights of the same network; None to download.
        may_download: whether the published file may be fetched, where no path is given.
        sha256: checksum that the file must have, or its first digits, 8 at least; None accepts any file.

    Raises:
        ConfigError: when there is neither a file nor leave to download one, or the checksum can't be one.
    """

    published: PublishedWeights
    path: str | None
    may_download: bool
    sha256: str | None

    def __post_init__(self) -> None:
        if self.sha256 is not None and not re.fullmatch(r"[0-9a-f]{8,64}", self.sha256):
            raise ConfigError(
                f"sha256 of the {self.published.network} weights: expected 8 to 64 of the digits 0-9 and a-f, or null, "
                f"but is {self.sha256!r}"
            )
        if self.path is not None and not Path(self.path).expanduser().is_file():
            raise ConfigError(f"{self.published.network}: there is no file of weights {self.path}. {self._advice()}")
        if self.path is None and not self.may_download:
            raise ConfigError(f"{self.published.network} needs weights, and has none. {self._advice()}")

    def name_of(self, extractor: str) -> str:
        """The extractor's name, which says so where its weights are not the published ones."""
        if self.sha256 is None:
            return f"{extractor}_unchecked"
        return extractor if self.published.sha256.startswith(self.sha256) else f"{extractor}_{self.sha256[:8]}"

    def file(self) -> Path:
        """The file, downloaded where need be, with the right checksum.

        Raises:
            ConfigError: for another checksum.
            SynthtrialError: when the download fails.
        """
        if self.path is None:
            path = cache_folder() / self.published.file
            if not path.is_file():
                download(self.published.url, path, self.sha256)
                return path
        else:
            path = Path(self.path).expanduser()
        check_sha256(path, self.sha256)
        return path

    def _advice(self) -> str:
        return (
            f"Get {self.published.file} from {self.published.url} and set `weights` to its path; or leave "
            f"`weights: null` and set `download: true` to have it fetched into {cache_folder()}"
        )
