"""Poll a condition until it holds or a time limit passes."""

from collections.abc import Callable
from typing import TypeVar

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

POLL_SECONDS = 0.05
_Result = TypeVar("_Result")


def poll(condition: Callable[[], _Result], seconds: float, every: float = POLL_SECONDS) -> _Result:
    """Call `condition` until its result is true or `seconds` have passed; return its last result."""
    attempts = Retrying(
        retry=retry_if_result(lambda result: not result),
        wait=wait_fixed(every),
        stop=stop_after_delay(seconds),
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
    )
    return attempts(condition)
