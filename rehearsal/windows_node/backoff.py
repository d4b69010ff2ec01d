"""kubelet's back-off for containers that end repeatedly (MaxCrashLoopBackOff in pkg/kubelet/kubelet.go)."""

_FIRST_SECONDS = 10.0
_LONGEST_SECONDS = 300.0
_FORGOTTEN_AFTER_SECONDS = 2 * _LONGEST_SECONDS


class CrashBackOff:
    """The delay before the next start: none after the first end, then 10 s doubling to 5 min; reset by a
    long run.
    """

    def __init__(self) -> None:
        self._delay = 0.0
        self._updated = float("-inf")

    @property
    def delay(self) -> float:
        return self._delay

    def ended(self, now: float) -> float:
        """Record that the container has ended; return the seconds to wait."""
        if now - self._updated > _FORGOTTEN_AFTER_SECONDS:
            self._delay = 0.0
        wait, self._updated = self._delay, now
        self._delay = min(max(2 * wait, _FIRST_SECONDS), _LONGEST_SECONDS)
        return wait
