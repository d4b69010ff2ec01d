"""Errors of making supplies. The message is one sentence for the person at the terminal."""


class SuppliesError(Exception):
    """A supply cannot be had; says what, and what to do about it."""
