"""The operator's command."""

import sys
from pathlib import Path

# A wheel contains the program (infra/) and its files in this package; a checkout has them beside it.
_HERE = Path(__file__).resolve().parent
_PROJECT = _HERE / "_project" if (_HERE / "_project").is_dir() else _HERE.parent
if str(_PROJECT) not in sys.path:
    sys.path.insert(0, str(_PROJECT))
