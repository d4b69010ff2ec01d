"""Download the files of publishers: go on where a connection was cut, check their sums, keep them by address.

A file is kept at <host>/<path> of its address, as in the artifact mirror. It gets its name when its sum is
right; until then its name ends in `.part`, and the next run asks for what is missing of it.
"""

import fcntl
import hashlib
import json
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

import requests
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from rehearsal.build.artifacts import mirrored_path
from rehearsal.build.errors import SuppliesError

T = TypeVar("T")
ATTEMPTS = 5
_PART = ".part"
# urllib3 loses the part of a piece that it has read when the connection is cut.
_CHUNK = 1 << 16
_TIMEOUT = (10.0, 60.0)  # seconds until a connection, and between two pieces
_ABSENT = (401, 403, 404, 410)
_DIGITS = {64: "sha256", 128: "sha512"}
OTHERWISE = "or build it from its sources instead: SUPPLIES=build"


@dataclass(frozen=True, kw_only=True)
class Download:
    """One file. `sums` are pinned in this repository, by algorithm; `sums_url` has the publisher's own.

    It is a file with one sum, a list as `sha256sum` writes it, or a release as GitHub's API describes it.
    """

    url: str
    sums: Mapping[str, str] = field(default_factory=dict[str, str])
    sums_url: str = ""

    @property
    def name(self) -> str:
        return self.url.rsplit("/", 1)[-1]


class _Cut(Exception):
    """The connection gave less than the file, or nothing: worth another attempt."""


@dataclass(frozen=True)
class Downloader:
    """Fetches into one folder. A mirror has each address at <mirror>/<host>/<path>, as `artifactMirror`."""

    folder: Path
    mirror: str = ""
    pause: float = 1.0

    def fetch(self, wanted: Download, said: Callable[[str], None] = lambda line: None) -> Path:
        """Return the file's path; download it if it is not there. SuppliesError names file and problem."""
        target = self.folder / mirrored_path(wanted.url)
        with _alone(target):
            right = (_digest(target, name) == digest for name, digest in wanted.sums.items())
            if target.exists() and all(right):
                return target
            target.unlink(missing_ok=True)
            self._download(wanted, target, said)
        return target

    def address(self, url: str) -> str:
        return f"{self.mirror.rstrip('/')}/{mirrored_path(url)}" if self.mirror else url

    def _download(self, wanted: Download, target: Path, said: Callable[[str], None]) -> None:
        part = target.with_name(target.name + _PART)
        algorithm, digest, source = self._sum(wanted)
        said(f"{wanted.name}, {algorithm} of {source}")
        went_on = part.exists()
        self._all_of(wanted.url, part, said)
        if went_on and _digest(part, algorithm) != digest:
            # The first half may be of another file that had the same address.
            part.unlink()
            self._all_of(wanted.url, part, said)
        if (actual := _digest(part, algorithm)) != digest:
            part.unlink()
            raise SuppliesError(
                f"{self.address(wanted.url)}: its {algorithm} is {actual}, {source} says {digest}; "
                f"the file was thrown away: find out which of the two is wrong, {OTHERWISE}"
            )
        part.rename(target)

    def _sum(self, wanted: Download) -> tuple[str, str, str]:
        """Algorithm, digest and whose word it is: this repository's before the publisher's."""
        if wanted.sums:
            algorithm, digest = max(wanted.sums.items())
            return algorithm, digest, "the bill of materials"
        if not wanted.sums_url:
            raise SuppliesError(f"{wanted.url} has no sum, and its publisher has none: pin one, {OTHERWISE}")
        answer = self._attempts(lambda: self._get(wanted.sums_url)).text
        if not (found := sum_in(answer, wanted.name)):
            address = self.address(wanted.sums_url)
            raise SuppliesError(f"{address} has no sum of {wanted.name}: pin one, {OTHERWISE}")
        return *found, f"the publisher's {self.address(wanted.sums_url)}"

    def _all_of(self, url: str, part: Path, said: Callable[[str], None]) -> None:
        part.parent.mkdir(parents=True, exist_ok=True)
        self._attempts(lambda: self._rest_of(url, part, said))

    def _rest_of(self, url: str, part: Path, said: Callable[[str], None]) -> None:
        begun = part.stat().st_size if part.exists() else 0
        answer = self._get(url, begun)
        if answer.status_code == requests.codes.range_not_satisfiable:  # it is whole, or longer than the file
            return
        goes_on = answer.status_code == requests.codes.partial_content
        size = (begun if goes_on else 0) + int(answer.headers.get("Content-Length", 0))
        try:
            with part.open("ab" if goes_on else "wb") as file:
                for chunk in answer.iter_content(_CHUNK):
                    file.write(chunk)
                    said(f"{part.name.removesuffix(_PART)}: {file.tell() >> 20} of {size >> 20} MiB")
        except requests.RequestException as error:
            raise _Cut(f"cut after {part.stat().st_size} bytes: {error}") from None

    def _get(self, url: str, begun: int = 0) -> requests.Response:
        # A file that is compressed on its way has another length and another sum.
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={begun}-"} if begun else {})
        address = self.address(url)
        try:
            answer = requests.get(address, headers=headers, timeout=_TIMEOUT, stream=True)
        except requests.RequestException as error:
            raise _Cut(f"{address} cannot be reached: {error}") from None
        if answer.status_code in _ABSENT:
            what = f"answers {answer.status_code}: the publisher has no such file, or does not give it"
            raise SuppliesError(f"{address} {what}; check the version, {OTHERWISE}")
        if not answer.ok and answer.status_code != requests.codes.range_not_satisfiable:
            raise _Cut(f"{address} answers {answer.status_code}")
        return answer

    def _attempts(self, once: Callable[[], T]) -> T:
        retry = Retrying(
            retry=retry_if_exception_type(_Cut),
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_exponential(multiplier=self.pause, max=30),
            reraise=True,
        )
        try:
            return retry(once)
        except _Cut as error:
            advice = f"try again, which goes on from there, {OTHERWISE}"
            raise SuppliesError(f"{error}; given up after {ATTEMPTS} attempts: {advice}") from None


def sum_in(text: str, name: str) -> tuple[str, str] | None:
    """Find algorithm and digest of a file in a sum, a list of sums, or GitHub's JSON of a release."""
    if text.lstrip().startswith("{"):
        assets = cast(list[dict[str, Any]], json.loads(text).get("assets", []))
        digests = [str(asset.get("digest")).partition(":") for asset in assets if asset.get("name") == name]
        return next(((algorithm, digest) for algorithm, _, digest in digests if digest), None)
    for line in text.splitlines():
        digest, *names = line.split()
        if len(digest) in _DIGITS and (not names or names[-1].lstrip("*").removeprefix("./") == name):
            return _DIGITS[len(digest)], digest
    return None


def _digest(path: Path, algorithm: str) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, algorithm).hexdigest()


@contextmanager
def _alone(target: Path) -> Generator[None]:
    """Two steps may need the same file at the same time: the second finds it there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_name(f".{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
