"""What the check raises."""


class WineError(Exception):
    """A Windows binary did not take what a Windows node would give it, or could not be run; the text is complete."""
