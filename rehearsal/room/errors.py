"""What the room refuses to go on with: one sentence each, printed without a traceback."""


class RoomError(Exception):
    """Something outside the room is not as it must be; the message says what, where and what to do."""
