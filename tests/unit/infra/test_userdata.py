"""User-data: what is rendered is what the files of tests/golden say, fits, and gives values to the scripts
without running them.
"""

import base64
import gzip
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from infra.errors import ConfigError
from infra.node import quoting, userdata
from rehearsal.windows_node.powershell import assignments, script_of
from tests import golden


@pytest.fixture
def scripts(tmp_path, monkeypatch):
    """A folder of the test's own in the place of userdata/."""
    monkeypatch.setattr(userdata, "SCRIPTS", tmp_path)
    (tmp_path / "linux").mkdir()
    (tmp_path / "windows").mkdir()
    return tmp_path


def raw(encoded: str) -> bytes:
    return base64.b64decode(encoded)


# --- golden files


@pytest.mark.parametrize("case", golden.CASES)
def test_the_user_data_of_a_case_is_what_its_files_say(case):
    assert golden.rendered(case) == golden.expected(case), "if it is meant: python -m tests.golden --update"


def test_scripts_stand_in_the_user_data_byte_for_byte():
    """What runs is what the linters read; comments are for those who read the files."""
    text = golden.user_data("that-ends")["expected-control-plane.sh"]
    lines = [
        line
        for part in (*userdata.LINUX_PARTS, "expiry", "control-plane")
        for line in (userdata.SCRIPTS / "linux" / f"{part}.sh").open()
    ]
    shebang, body = (
        lines[0].rstrip("\n"),
        "".join(line for line in lines if line.strip() and not line.strip().startswith("#")),
    )
    assert text.startswith(f"{shebang}\n")
    assert text.endswith(body)


def test_golden_files_are_renewed_and_compared_by_the_documented_command(capsys):
    from tests.golden.__main__ import difference, main

    assert main([]) == 0
    assert main(["--renew"]) == 2
    assert "usage: python -m tests.golden [--update]" in capsys.readouterr().err
    assert difference(golden.CASES[0]) == []


# --- syntax


@pytest.mark.parametrize(
    "case", [case for case in golden.CASES if "expected-windows.ps1" in golden.expected(case)]
)
def test_windows_can_read_it_and_its_inputs_are_literals(case):
    text = golden.user_data(case)["expected-windows.ps1"]
    assert text.isascii(), "Windows PowerShell 5.1 reads a script without a byte order mark as ANSI"
    assert text.endswith("</powershell>\n<persist>true</persist>\n")
    assert assignments(script_of(text))["NodeName"] == "windows-0"


def test_the_parts_are_the_files_of_the_folder():
    """A file that is no part would never run.

    The last part walks the table of phases, so it needs all others.
    """
    files = {path.name for path in (userdata.SCRIPTS / "windows").glob("*.ps1")}
    assert userdata.WINDOWS_PARTS[-1] == "worker"
    assert files == {*(f"{part}.ps1" for part in userdata.WINDOWS_PARTS), "bootstrap.ps1"}


# --- size


def test_what_fits_is_plain_text_and_what_does_not_is_compressed_the_same_way_each_time(scripts):
    """Plain text can be read in the console; another byte means another machine."""
    (scripts / "linux/common.sh").write_text("#!/bin/bash\n")
    (scripts / "linux/machine.sh").write_text("")
    (scripts / "linux/worker.sh").write_text("true\n")
    small, large = userdata.linux("worker", {"A": "x"}), userdata.linux("worker", {"A": "x" * 16384})
    assert raw(small) == b"#!/bin/bash\nA=x\ntrue\n"
    assert raw(large)[:2] == b"\x1f\x8b"
    assert raw(large)[4:8] == bytes(4), "a time would change it with every run"
    assert gzip.decompress(raw(large)).decode() == f"#!/bin/bash\nA={'x' * 16384}\ntrue\n"


def test_the_limit_is_ec2s_own_and_counts_bytes(scripts):
    """16 KiB before base64, of what is sent."""
    (scripts / "windows/bootstrap.ps1").write_text("Start")
    frame = len(userdata.windows({"A": ""}))
    assert len(userdata.windows({"A": "x" * (userdata.RAW_LIMIT_BYTES - frame)})) == 16384
    with pytest.raises(
        ConfigError, match="user-data of the windows worker is 16385 bytes, but EC2 takes 16384; shorten"
    ):
        userdata.windows({"A": "x" * (userdata.RAW_LIMIT_BYTES - frame + 1)})


# --- values


def arrived(folder: Path, values: list[str]) -> list[str]:
    """Return the variables of a real bash to which the renderer gave these values."""
    names = [f"INPUT_{number}" for number in range(len(values))]
    (folder / "linux/common.sh").write_text("#!/usr/bin/env bash\nset -o errexit -o nounset\n")
    (folder / "linux/machine.sh").write_text("")
    (folder / "linux/worker.sh").write_text(
        "printf '%s\\0' " + " ".join(f'"${{{name}}}"' for name in names) + "\n"
    )
    text = raw(userdata.linux("worker", dict(zip(names, values, strict=True))))
    result = subprocess.run(["bash"], input=text, capture_output=True, cwd=folder, check=True)
    assert result.stderr == b""
    assert not (folder / "executed").exists(), "a value was run"
    return result.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1]


@given(
    values=st.lists(
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=20, max_size=20
    )
)
def test_bash_gets_any_value_as_it_was_given(tmp_path_factory, values):
    folder = tmp_path_factory.mktemp("userdata")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(userdata, "SCRIPTS", folder)
        (folder / "linux").mkdir()
        assert arrived(folder, values) == values


def test_typographic_quotes_end_no_literal():
    """PowerShell takes four of them for the plain one."""
    assert (
        quoting.powershell("\u2018a\u2019 \u201ab\u201b '")
        == "'\u2018\u2018a\u2019\u2019 \u201a\u201ab\u201b\u201b '''"
    )


# --- kubeadm's documents


def kubeadm_documents(case: str, name: str) -> str:
    """KUBEADM_CONFIG as bash has it, or JoinConfiguration as PowerShell has it; the machine's own values
    filled in.
    """
    text = golden.rendered(case)[name]
    if name.endswith("ps1"):
        document = assignments(script_of(text))["JoinConfiguration"]
    else:
        prelude = "\n".join(line for line in text.splitlines() if not line.startswith("#:: "))
        document = subprocess.run(
            ["bash"],
            input=f'{prelude}\nprintf %s "$KUBEADM_CONFIG"',
            text=True,
            capture_output=True,
            check=True,
        ).stdout
    values = {
        "@PRIVATE_IP@": "10.0.0.10",
        "@API_ENDPOINT@": "10.0.0.10:6443",
        "@TOKEN@": "abcdef.0123456789abcdef",
        "@CA_HASH@": f"sha256:{'0' * 64}",
    }
    for token, value in values.items():
        document = document.replace(token, value)
    return document


def kubeadm() -> str | None:
    """On PATH, or where the rehearsal keeps what it built."""
    cache = Path.home() / ".cache/microcosm"
    return shutil.which("kubeadm") or next(
        (str(path) for path in sorted(cache.glob("supplies/bin-*/kubeadm"))), None
    )


DOCUMENTS = [
    ("labelled", "expected-control-plane.sh"),
    ("labelled", "expected-worker.sh"),
    ("labelled", "expected-windows.ps1"),
]


@pytest.mark.skipif(kubeadm() is None, reason="no kubeadm on PATH, and the rehearsal has not built one")
@pytest.mark.parametrize(("case", "name"), [*DOCUMENTS, ("mirrored", "expected-control-plane.sh")])
def test_kubeadm_takes_its_documents(case, name):
    result = subprocess.run(
        [kubeadm(), "config", "validate", "--config", "/dev/stdin"],
        input=kubeadm_documents(case, name),
        text=True,
        capture_output=True,
    )
    assert result.returncode == 0, result.stderr
    assert "unknown field" not in result.stderr


def test_a_join_is_pinned_to_the_certificate_authority():
    """Whoever can answer in the API server's place would get a node."""
    for _, name in DOCUMENTS[1:]:
        (join,) = yaml.safe_load_all(kubeadm_documents("smallest", name))
        assert join["discovery"]["bootstrapToken"]["caCertHashes"] == [f"sha256:{'0' * 64}"]
        assert "unsafeSkipCAVerification" not in str(join)
