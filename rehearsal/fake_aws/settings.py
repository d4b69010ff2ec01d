"""Names that the fake cloud shares with its users; importing them does not import moto."""

READY_FILE = "cloud.json"
CLOCK_AHEAD = "clock-ahead"
STATE_BUCKET = "state"
LOOPBACK = "127.0.0.1"
# moto's default account.
ACCOUNT = "123456789012"
# The access key of simulated machines, whose polls real machines would not make.
STAND_IN_KEY = "FAKEDMACHINES"
# The journal of permissions that role sessions required, in the state folder.
JOURNAL = "asked.jsonl"
# A customer managed key in the region of the run: users bring their own, the program creates none.
KMS_KEY = "6c0f3d4e-1b2a-4c5d-8e9f-0a1b2c3d4e5f"
