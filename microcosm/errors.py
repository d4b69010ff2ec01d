"""Errors for users: one sentence each, with an exit code.

OperatorError       the command failed                exit 1
+-- UsageError      usage error, nothing was changed  exit 2
"""


class OperatorError(Exception):
    """The command failed; the message says what failed, where, and what to do."""

    exit_code = 1


class UsageError(OperatorError):
    """The options or their values are not accepted."""

    exit_code = 2
