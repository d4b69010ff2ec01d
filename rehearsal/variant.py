"""Which cluster is rehearsed, where there is a choice: the Kubernetes version, Flannel's backend, the
region.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from infra.config import versions
from infra.config.model import FLANNEL_BACKENDS

from .errors import RehearsalError

_FILE = "variant.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Variant:
    """The versions, network and region of a rehearsal. The defaults are the product's own, but for the
    region, which has none.
    """

    kubernetes: str = versions.DEFAULT_KUBERNETES
    backend: str = FLANNEL_BACKENDS[0]
    region: str = "eu-west-1"

    def __str__(self) -> str:
        return f"Kubernetes {self.kubernetes}, {self.backend}, {self.region}"

    def checked(self) -> "Variant":
        """Refuse what the product does not know, before anything is built for it; else return the variant."""
        for name, value, known in (
            ("KUBERNETES", self.kubernetes, tuple(versions.KUBERNETES_VERSIONS)),
            ("NETWORK", self.backend, FLANNEL_BACKENDS),
        ):
            if value not in known:
                raise RehearsalError(f"{name} is {value!r}: accepted is one of {', '.join(known)}")
        return self

    def write(self, state: Path) -> None:
        """Keep it beside a rehearsal that may stay up."""
        (state / _FILE).write_text(json.dumps(asdict(self)))

    @classmethod
    def read(cls, state: Path) -> "Variant":
        """The variant of the rehearsal that is there."""
        return cls(**json.loads((state / _FILE).read_text()))


DEFAULT = Variant()
