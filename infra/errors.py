"""The errors a person is meant to read.

pulumi.RunError            Pulumi prints its message alone, without a traceback
+-- ConfigError            the configuration cannot be built; nothing was declared
+-- ImageError             no image of an operating system in this region, or none that can be read
+-- ZoneError              an availability zone lacks an instance type, or none has all
+-- ClusterNotReadyError   a machine or the API did not come up; names the machine and its phase
"""

from collections.abc import Sequence

import pulumi


class ConfigError(pulumi.RunError):
    """Every problem of a configuration at once, one sentence each."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        heading = f"the configuration has {count} problem{'' if count == 1 else 's'}; nothing was declared:"
        super().__init__("\n".join([heading, *(f"  - {problem}" for problem in self.problems)]))


class ImageError(pulumi.RunError):
    """The current machine image of an operating system could not be looked up; one sentence for each."""


class ZoneError(pulumi.RunError):
    """An availability zone lacks an instance type, or which zones have it could not be read; a sentence
    each.
    """


class ClusterNotReadyError(pulumi.RunError):
    """The wait for a machine, the API or a node ended without success; the message says where it is stuck."""
