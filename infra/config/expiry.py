"""When a stack ends by itself: what its machines are told, in a parameter that `microcosm preview extend`
overwrites. Pure.

It is the floor below every reaper: a machine powers itself off at the end plus the grace, and AWS terminates
it then (docs/adr/0012-machines-end-themselves.md). The date is not in user-data: another date must not mean
other machines.
"""

import json

PARAMETER = "expiry"
# The time that a reaper has to take the whole stack away in order, before its machines go one by one.
GRACE_MINUTES = 60


def document(expires_at: str) -> str:
    """The parameter's document. `expires_at` is RFC 3339."""
    return json.dumps({"expiresAt": expires_at, "graceMinutes": GRACE_MINUTES})
