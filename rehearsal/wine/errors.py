"""The error of the check."""


class WineError(Exception):
    """A Windows binary refused the inputs of a Windows node, or could not be run; the text is complete."""
