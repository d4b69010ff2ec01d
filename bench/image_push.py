"""Measure `microcosm image build --push` of 50 MB to a registry on loopback, with the layers of the base
there.
"""

import os
import random
import sys
import tempfile
from pathlib import Path

from microcosm.image import bases
from rehearsal import build
from rehearsal.build.catalogue import OWN_IMAGE
from rehearsal.project import CHECKOUT
from rehearsal.scenarios import private_registry, windows_base

from .comparison import Series
from .document import table
from .samples import Sample, measure
from .settings import Settings

GOAL_SECONDS = 5
MEGABYTES = 50
_WEB_CONFIG = '<configuration><system.web><compilation targetFramework="4.8"/></system.web></configuration>'


def run(settings: Settings) -> str:
    program = build.ensure(parts={OWN_IMAGE}).own_registry
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        registry = private_registry.start(program, place / "registry", place / "registry.log")
        try:
            samples = list[Sample]()
            # The first push brings the base, and is not counted.
            for number in range(settings.repeats + 1):
                settings.log(f"push {number} of {settings.repeats}")
                samples.append(_push(place, registry, number))
        finally:
            registry.end()
    return report(Series(name="push", samples=samples[1:]))


def _push(place: Path, registry: private_registry.PrivateRegistry, number: int) -> Sample:
    base = f"oci:{place / 'base'}"
    if number == 0:
        windows_base.write(place / "base", f"{bases.build('2019')}.1")
    site = _site(place / f"site-{number}", number)
    words = ("image", "build", str(site), "--to", f"{registry.host}/large:{number}", "--base", base, "--push")
    environment = {**os.environ, "DOCKER_CONFIG": str(registry.docker)}
    return measure([sys.executable, "-m", "microcosm", *words], cwd=CHECKOUT, environment=environment)


def _site(folder: Path, seed: int) -> Path:
    """Write a site of 50 files that no compression makes smaller, others for each seed."""
    folder.mkdir()
    (folder / "web.config").write_text(_WEB_CONFIG)
    chance = random.Random(seed)  # noqa: S311 - contents, no secrets
    for number in range(MEGABYTES):
        (folder / f"part{number}.bin").write_bytes(chance.randbytes(1_000_000))
    return folder


def report(pushes: Series) -> str:
    row = [
        f"{MEGABYTES} MB in {MEGABYTES} files",
        f"{pushes.least('wall'):.2f}",
        f"{pushes.median('wall'):.2f}",
        f"{pushes.least('cpu'):.2f}",
    ]
    header = [f"{len(pushes.samples)} runs", "wall s, least", "median", "CPU s, least"]
    goal = f"Check, layer, compression and push as one command; goal: below {GOAL_SECONDS} s."
    return "\n".join([table(header, [row]), "", goal])
