"""shellcheck over every shell script: those of userdata/linux joined as the machines run them, all others as
they stand.

    python -m tests.lint_shell

Alone, a part of the user-data would seem to use what nobody sets. Findings name the file that has to be
changed.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from infra.node.userdata import SCRIPTS
from tests import golden

PROJECT = SCRIPTS.parent
SHELLCHECK = Path(sys.executable).with_name("shellcheck")
# The machines of a stack that ends have every part.
JOINED = [("that-ends", name) for name in ("expected-control-plane.sh", "expected-worker.sh")]
# The golden files of tests/golden hold only what stands before the scripts.
NOT_OURS = {".git", ".venv", "__pycache__", "build", "golden", "node_modules"}
SHEBANG = re.compile(rb"#!.*\b(ba|da)?sh\s")


def main() -> int:
    """1 when there is a finding."""
    findings = [*joined_findings(), *file_findings()]
    print("\n".join(findings) or "shellcheck finds nothing")
    return bool(findings)


def joined_findings() -> list[str]:
    """Findings in the user-data of Linux machines, each once, at its place in userdata/."""
    texts = [golden.user_data(case)[name] for case, name in JOINED]
    found = [
        _sentence(comment, origin(text, comment["line"]))
        for text in texts
        for comment in _shellcheck(["-"], text)
    ]
    return list(dict.fromkeys(found))


def file_findings() -> list[str]:
    """Findings in all other shell scripts, at their place."""
    found = _shellcheck([str(path) for path in scripts()])
    return [
        _sentence(comment, f"{Path(comment['file']).relative_to(PROJECT)}:{comment['line']}")
        for comment in found
    ]


def scripts() -> Iterator[Path]:
    """Every file of the project that a shell runs, but the parts of user-data."""
    for folder, inner, names in os.walk(PROJECT):
        inner[:] = sorted(set(inner) - NOT_OURS)
        for path in sorted(Path(folder, name) for name in names):
            if path.is_file() and path.parent != SCRIPTS / "linux" and _is_for_a_shell(path):
                yield path


def _is_for_a_shell(path: Path) -> bool:
    with path.open("rb") as file:
        return SHEBANG.match(file.read(64)) is not None


def origin(text: str, line: int) -> str:
    """`file:line` of a line of rendered user-data; a line that no file holds is the renderer's."""
    for path in sorted((SCRIPTS / "linux").glob("*.sh")):
        script = path.read_text()
        # The shebang went before the assignments, comments and blank lines went away.
        lines = enumerate(script.splitlines(), 1)
        numbers = [
            number for number, content in lines if content.strip() and not content.lstrip(" ").startswith("#")
        ]
        before, found, _ = text.partition(
            "".join(f"{script.splitlines()[number - 1]}\n" for number in numbers)
        )
        offset = line - 1 - before.count("\n")
        if found and 0 <= offset < len(numbers):
            return f"{path.relative_to(PROJECT)}:{numbers[offset]}"
    return f"(rendered user-data):{line}"


def _sentence(comment: dict[str, Any], place: str) -> str:
    return f"{place}:{comment['column']}: {comment['level']}: {comment['message']} [SC{comment['code']}]"


def _shellcheck(files: list[str], text: str | None = None) -> list[dict[str, Any]]:
    result = subprocess.run(
        [SHELLCHECK, "--format=json1", *files], input=text, text=True, capture_output=True
    )
    # 1 says that there are findings; more, that it could not read or understand something.
    assert result.returncode < 2, result.stderr
    return json.loads(result.stdout)["comments"]


if __name__ == "__main__":
    sys.exit(main())
