"""Choose how the supplies are had: downloaded from their publishers, or built from the publishers' sources.

SUPPLIES=download or SUPPLIES=build decides; otherwise what is complete already is used. Where nothing is, the
publishers are tried: all of them must answer, since half of the downloads are of no use.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

import requests

from rehearsal.build.errors import SuppliesError

DOWNLOAD, BUILD, AUTO = "download", "build", "auto"
SETTING = "SUPPLIES"
MIRROR_SETTING, REGISTRY_SETTING = "ARTIFACT_MIRROR", "REGISTRY_MIRROR"
_SECONDS = 5.0
# A registry asks for a token first.
_FINE = (200, 206, 301, 302, 303, 307, 308, 401)


@dataclass(frozen=True, kw_only=True)
class Way:
    """A decision, and the reason for the person at the terminal."""

    downloads: bool
    reason: str

    @property
    def setting(self) -> str:
        """The value of SUPPLIES that insists on it."""
        return DOWNLOAD if self.downloads else BUILD

    def __str__(self) -> str:
        how = "downloaded from their publishers" if self.downloads else "built from sources"
        return f"supplies are {how}: {self.reason}"


def choose(
    *,
    built: Callable[[], bool],
    downloaded: Callable[[], bool],
    probes: Callable[[], Sequence[str]],
    environ: Mapping[str, str] = os.environ,
    reach: Callable[[str], str] | None = None,
) -> Way:
    """Decide. `built` and `downloaded` say whether a way is complete, `probes` where publishers answer."""
    asked = environ.get(SETTING) or AUTO
    if asked not in (AUTO, DOWNLOAD, BUILD):
        raise SuppliesError(f"{SETTING} is {asked!r}; accepted are {AUTO}, {DOWNLOAD} and {BUILD}")
    if asked != AUTO:
        return Way(downloads=asked == DOWNLOAD, reason=f"{SETTING}={asked}")
    if built():
        return Way(downloads=False, reason="all of them are there")
    if downloaded():
        return Way(downloads=True, reason="all of them are there")
    addresses = probes()
    if problem := _first_problem(addresses, reach or reached):
        return Way(downloads=False, reason=f"{problem} ({SETTING}={DOWNLOAD} insists)")
    return Way(downloads=True, reason=f"all {len(addresses)} publishers answer ({SETTING}={BUILD} builds)")


def _first_problem(probes: Sequence[str], reach: Callable[[str], str]) -> str:
    with ThreadPoolExecutor(max(1, len(probes))) as pool:
        return next((problem for problem in pool.map(reach, probes) if problem), "")


def reached(url: str) -> str:
    """Ask for the head of a file; the problem in a few words, empty where there is none."""
    host = urlsplit(url).netloc
    try:
        answer = requests.head(url, timeout=_SECONDS, allow_redirects=False)
    except requests.RequestException as error:
        return f"{host} cannot be reached ({type(error).__name__})"
    return "" if answer.status_code in _FINE else f"{host} answers {answer.status_code}"
