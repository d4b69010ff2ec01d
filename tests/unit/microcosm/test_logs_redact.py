"""Redaction of the same corpus through Python, the Linux machine's script and .NET."""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from microcosm.logs import redact, remote
from tests.support.redact_corpus import NORMAL, SECRETS

PWSH = os.environ.get("MICROCOSM_PWSH") or shutil.which("pwsh")


def problems(results: Mapping[str, str]) -> list[str]:
    """List leaked secrets and changed normal lines."""
    found: list[str] = []
    for name, (_, never, kept) in SECRETS.items():
        if (
            re.search(never, results[name])
            or kept not in results[name]
            or redact.REDACTED not in results[name]
        ):
            found.append(f"{name}: {results[name]!r}")
    changed = [line for line in results["normal"].splitlines() if line not in NORMAL]
    return [
        *found,
        *changed,
        *(["lines are lost"] if results["normal"].strip() != NORMAL and not changed else []),
    ]


@pytest.fixture(scope="module")
def corpus() -> dict[str, str]:
    """Every text by its name."""
    return {name: text for name, (text, _, _) in SECRETS.items()} | {"normal": NORMAL}


def test_python_cuts_out_secrets_and_nothing_else(corpus: dict[str, str]) -> None:
    """Console output and status reports are redacted here."""
    assert problems({name: redact.redact(text) for name, text in corpus.items()}) == []


def test_a_text_that_was_redacted_is_not_changed_again(corpus: dict[str, str]) -> None:
    """A machine redacts, and then the operator's computer does."""
    once = {name: redact.redact(text) for name, text in corpus.items()}
    assert {name: redact.redact(text) for name, text in once.items()} == once


@pytest.mark.served
def test_a_linux_machine_does_the_same(corpus: dict[str, str], tmp_path: Path) -> None:
    """The very program of assets/logs.sh:

    Python again, so that a few texts show that rules and flags arrive.
    """
    script = remote.script("linux", "true").split("timeout ")[0]
    for name in (
        "env upper",
        "env of a process",
        "yaml block",
        "value over two lines",
        "pem",
        "utf-16",
        "normal",
    ):
        given = corpus[name].encode()
        done = subprocess.run(["sh", "-c", f"{script}\nredact"], input=given, check=True, capture_output=True)
        assert done.stdout.decode() == redact.redact(corpus[name])


@pytest.mark.served
@pytest.mark.skipif(not PWSH, reason="no PowerShell: neither MICROCOSM_PWSH nor pwsh on PATH")
def test_powershell_does_the_same(corpus: dict[str, str], tmp_path: Path) -> None:
    """The whole of assets/logs.ps1, once for each text; where I is not the upper case of i, if ICU is
    there.
    """
    assert PWSH
    (tmp_path / "corpus.json").write_text(json.dumps(list(corpus.values())))
    script = remote.script("windows", "$texts[$number]").replace("'", "''")
    (tmp_path / "run.ps1").write_text(
        "try { [cultureinfo]::CurrentCulture = 'tr-TR' } catch { }\n"
        f"$texts = Get-Content -Raw -Encoding UTF8 '{tmp_path}/corpus.json' | ConvertFrom-Json\n"
        f"$script = [scriptblock]::Create('{script}')\n"
        "for ($number = 0; $number -lt $texts.Count; $number++) { & $script }\n",
        encoding="utf-8-sig",
    )
    done = subprocess.run(
        [PWSH, "-NoProfile", "-File", tmp_path / "run.ps1"], capture_output=True, check=True, text=True
    )
    answers = done.stdout.split()
    packed = zip(answers[::2], answers[1::2], strict=True)
    texts = [remote.unpack(f"{size}\n{text}").text for size, text in packed]
    results = {
        name: text.rstrip("\r\n").replace("\r\n", "\n") for name, text in zip(corpus, texts, strict=True)
    }
    assert problems(results) == []


LONG = ["A" * 200_000, f"{'A' * 76}\n" * 3_000, "password=" * 20_000, '"' * 50_000, "token: " * 20_000]
LONG += [
    "-----BEGIN " * 20_000,
    "secret " * 20_000,
    "<secret>" * 20_000,
    "a\0" * 50_000,
    'password="a\n' * 10_000,
]


@pytest.mark.parametrize("line", LONG, ids=lambda line: line[:10])
def test_no_line_takes_long(line: str) -> None:
    """A pattern that tries again from each character would take hours on a long line of base64."""
    begun = time.process_time()
    redact.redact(line)
    assert time.process_time() - begun < 10
