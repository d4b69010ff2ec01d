"""Errors that a person can act on. RehearsalError > CommandFailed."""


class RehearsalError(Exception):
    """A rehearsal cannot go on; the message says what a person can do about it."""


class CommandFailed(RehearsalError):
    """A command of the operator failed; the message holds all that it printed."""
