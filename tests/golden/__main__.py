"""Compare the golden files with what is rendered now, or renew them."""

import difflib
import sys

from tests import golden
from tests.golden import registrations, rows
from tests.windows import pester


def main(arguments: list[str]) -> int:
    """0 when all is equal or renewed, 1 for a difference, 2 for a wrong argument or without PowerShell."""
    if arguments not in ([], ["--update"]):
        print("usage: python -m tests.golden [--update]", file=sys.stderr)
        return 2
    if arguments and not pester.PWSH:
        print(f"--update renews what a Windows node has on its disk. {pester.WITHOUT}", file=sys.stderr)
        return 2
    differences = [line for case in golden.CASES for line in difference(case)]
    differences += [
        line
        for row in rows.ROWS
        for line in _diff(f"matrix-rows/{row.name}.txt", rows.expected(row), rows.rendered(row))
    ]
    differences += _diff("matrix-rows/sizes.txt", rows.expected_sizes(), rows.sizes())
    differences += _diff(registrations.FILE.name, registrations.FILE.read_text(), registrations.rendered())
    print("\n".join(differences) or "nothing differs")
    if not arguments:
        return bool(differences)
    for case in golden.CASES:
        golden.update(case)
    rows.update()
    registrations.update()
    return 0


def difference(case: str) -> list[str]:
    """A unified diff from the files to what is rendered."""
    before, after = golden.expected(case), golden.rendered(case)
    names = sorted(before.keys() | after.keys())
    return [
        line for name in names for line in _diff(f"{case}/{name}", before.get(name, ""), after.get(name, ""))
    ]


def _diff(name: str, before: str, after: str) -> list[str]:
    return list(
        difflib.unified_diff(before.splitlines(), after.splitlines(), name, "rendered now", lineterm="")
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
