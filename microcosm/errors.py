"""The errors a person at the terminal is meant to read: one sentence each, with the exit code that belongs to it.

OperatorError       the command could not be done              exit 1
+-- UsageError      it was asked wrongly, nothing was changed  exit 2
"""


class OperatorError(Exception):
    """Something failed on the way; the message says what, where and what to do."""

    exit_code = 1


class UsageError(OperatorError):
    """The command cannot start with what it was given."""

    exit_code = 2
