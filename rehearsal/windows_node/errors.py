"""Errors of the stand-in; each text is one sentence for the reader of the log.

StandinError
├── InputError      the user-data or the command line is not what a Windows node can start from
├── BootstrapError  the cluster cannot be trusted, or does not trust this node
└── ApiError        the Kubernetes API answered with a failure (in api.py)
"""


class StandinError(Exception):
    """Base class. Its text is complete and needs no traceback."""


class InputError(StandinError):
    """Invalid user-data, join document or command line: what is wrong, where, and what is accepted."""


class BootstrapError(StandinError):
    """Discovery or the certificate request failed, and waiting does not help."""
