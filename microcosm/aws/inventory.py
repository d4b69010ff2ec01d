"""Everything in an account that a stack could have left, in the order in which a report shows it.

Listers say what is there and what it belongs to; whose it is, audit.py decides.
"""

from . import inventory_account, inventory_ec2, inventory_edges

KINDS = (*inventory_ec2.KINDS, *inventory_edges.KINDS, *inventory_account.KINDS)
