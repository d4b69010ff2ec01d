"""Faults of machines, rehearsed: each is done to a real machine of the room, seen as a user sees it, repaired, and proven gone.

command     a `pulumi` command under way: its lines as they come, and its end
stage       the running cluster, and what can be done to its machines
proof       that nothing is lost: nodes, page, and nothing left for `up` to do
table       one fault as a row: what is done, what repairs it, what was seen
machines    the faults themselves
scenario    the rows as steps of a rehearsal, all together or one alone
report      what was seen, in docs/reliability.md
"""
