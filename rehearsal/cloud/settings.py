"""Names that the fake cloud and those who use it agree on; importing them does not import moto."""

READY_FILE = "cloud.json"
CLOCK_AHEAD = "clock-ahead"
STATE_BUCKET = "state"
LOOPBACK = "127.0.0.1"
# moto's one account, unless a request names another.
ACCOUNT = "123456789012"
# Who speaks for machines that are not there; it looks for them where real machines would not have to.
STAND_IN_KEY = "FAKEDMACHINES"
# What the sessions of roles asked IAM, in the state folder.
JOURNAL = "asked.jsonl"
# A customer managed key of the account, in the region of the run: users bring theirs, the program makes none.
KMS_KEY = "6c0f3d4e-1b2a-4c5d-8e9f-0a1b2c3d4e5f"
