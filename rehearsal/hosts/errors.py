"""Errors of the machine host, printed without a traceback."""


class MachineHostError(Exception):
    """A precondition outside the machine host is not met; the message says what, where and what to do."""
