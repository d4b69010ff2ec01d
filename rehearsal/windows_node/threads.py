"""Start background threads whose defects end the stand-in."""

import logging
import os
import signal
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)


def spawn(name: str, work: Callable[[], None]) -> threading.Thread:
    """Run `work` in a thread; an unexpected error ends the whole stand-in (SIGINT: exit code 1), not only
    the thread.
    """

    def guarded() -> None:
        try:
            work()
        except Exception:
            log.exception("defect in the stand-in")
            os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(name=name, target=guarded, daemon=True)
    thread.start()
    return thread
