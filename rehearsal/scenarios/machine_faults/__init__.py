"""Inject faults into the real machines of a rehearsal, observe them as a user does, repair them and check
the result.
"""
