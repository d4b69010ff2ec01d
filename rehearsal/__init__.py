"""The rehearsal: the real program on the real engine, against a fake cloud and real machines, with no AWS
account.

Nothing outside this package knows that AWS may be fake.
"""
