"""kubelet's probes: their schedule, the verdict of their results, and the HTTP request.

Behaviour of pkg/kubelet/prober and pkg/probe/http (kubernetes v1.35.8); only httpGet, the kind that the
workloads use.
"""

import http.client
from dataclasses import dataclass

from rehearsal.windows_node.api import Json

_HEADERS = {"User-Agent": "kube-probe/1.35", "Accept": "*/*", "Connection": "close"}
KINDS = ("startup", "liveness", "readiness")


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpProbe:
    """A probe of the pod's specification; the API server has filled in the defaults."""

    path: str
    port: int
    headers: dict[str, str]
    initial_delay_seconds: int
    period_seconds: int
    timeout_seconds: int
    success_threshold: int
    failure_threshold: int


def probes_of(container: Json) -> dict[str, HttpProbe]:
    """Return the probes of a container by kind."""
    ports = {port["name"]: port["containerPort"] for port in container.get("ports", []) if "name" in port}
    return {
        kind: _http_probe(container[f"{kind}Probe"], ports) for kind in KINDS if f"{kind}Probe" in container
    }


def _http_probe(spec: Json, ports: dict[str, int]) -> HttpProbe:
    get = spec["httpGet"]
    return HttpProbe(
        path=get.get("path", "/"),
        port=get["port"] if isinstance(get["port"], int) else ports[get["port"]],
        headers={header["name"]: header["value"] for header in get.get("httpHeaders", [])},
        initial_delay_seconds=spec.get("initialDelaySeconds", 0),
        period_seconds=spec.get("periodSeconds", 10),
        timeout_seconds=spec.get("timeoutSeconds", 1),
        success_threshold=spec.get("successThreshold", 1),
        failure_threshold=spec.get("failureThreshold", 3),
    )


class Series:
    """The results of one probe since its container started; `passing` is their verdict."""

    def __init__(self, probe: HttpProbe, *, passing: bool, started: float) -> None:
        self.probe = probe
        self.passing = passing
        self.failed = False
        self._streak = 0
        self._last: bool | None = None
        self._due = started + probe.initial_delay_seconds

    def due(self, now: float) -> bool:
        return now >= self._due

    def observe(self, success: bool, now: float) -> bool:
        """Record a result; the verdict changes at the threshold of its kind.

        Return True for the first failure in a row.
        """
        self._due = now + self.probe.period_seconds
        self._streak = self._streak + 1 if success == self._last else 1
        self._last = success
        threshold = self.probe.success_threshold if success else self.probe.failure_threshold
        if self._streak >= threshold:
            self.passing, self.failed = success, not success
        return not success and self._streak == 1


class Probing:
    """All probes of one running container."""

    def __init__(self, probes: dict[str, HttpProbe], started: float) -> None:
        # Until the first verdict a container counts as alive, but neither started nor ready.
        self._series = {
            kind: Series(probe, passing=kind == "liveness", started=started) for kind, probe in probes.items()
        }

    @property
    def started(self) -> bool:
        return self._passing("startup")

    @property
    def ready(self) -> bool:
        return self.started and self._passing("readiness")

    @property
    def must_restart(self) -> str | None:
        """Return the kind of probe for which kubelet restarts the container."""
        return next(
            (kind for kind in ("startup", "liveness") if kind in self._series and self._series[kind].failed),
            None,
        )

    def due(self, now: float) -> list[tuple[str, Series]]:
        """Return the probes to send now: the startup probe alone until it has passed, then the others."""
        kinds = ("liveness", "readiness") if self.started else ("startup",)
        return [
            (kind, self._series[kind])
            for kind in kinds
            if kind in self._series and self._series[kind].due(now)
        ]

    def _passing(self, kind: str) -> bool:
        return kind not in self._series or self._series[kind].passing


def send(probe: HttpProbe, address: str) -> tuple[bool, str]:
    """Return whether the pod answered with 200 to 399, as kubelet requires, and otherwise the problem."""
    connection = http.client.HTTPConnection(address, probe.port, timeout=probe.timeout_seconds)
    try:
        connection.request("GET", probe.path, headers=_HEADERS | probe.headers)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return False, f"Get http://{address}:{probe.port}{probe.path}: {error}"
    finally:
        connection.close()
    return 200 <= status < 400, f"HTTP probe failed with statuscode: {status}"
