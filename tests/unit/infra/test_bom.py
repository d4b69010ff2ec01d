"""The bill of materials: the product's own files are complete, and a faulty one is refused with every
fault named.
"""

import json
import re
from pathlib import Path

import pytest

from infra.config import bom

FOLDER = Path(__file__).resolve().parents[3] / "bom"
OWN = sorted(FOLDER.glob("*.json"))
SUM = "0123456789abcdef" * 4


def entry(**changes: object) -> dict[str, object]:
    return {"url": "https://example.org/file", "sha256": SUM} | changes


def document(**windows: object) -> dict[str, object]:
    """A sound document, with some Windows entries replaced (None takes one away)."""
    own = {name: entry() for name in bom.NEEDED["windows"]} | {"containerd": entry(version="2.2.7")} | windows
    return {
        "kubernetes": "1.35.8",
        "linux/amd64": {name: entry() for name in bom.NEEDED["linux"]}
        | {"containerd": entry(version="2.2.7")},
        "windows/amd64": {name: value for name, value in own.items() if value is not None},
    }


def faults(tmp_path: Path, content: object, *families: str) -> list[str]:
    path = tmp_path / "bom.json"
    path.write_text(json.dumps(content))
    materials, problems = bom.read(path)
    return problems or bom.problems(materials, families or ("linux", "windows"))


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.stem)
def test_the_products_own_files_are_complete(path):
    """Every download of both systems has a sum."""
    materials, problems = bom.read(path)
    assert problems == []
    assert bom.problems(materials, ("linux", "windows")) == []
    assert materials.kubernetes == path.stem


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.stem)
def test_every_entry_of_the_products_files_says_who_published_the_sum(path):
    """Otherwise it could not be checked again."""
    content = json.loads(path.read_text())
    entries = {name: item for platform in bom.PLATFORMS.values() for name, item in content[platform].items()}
    assert [name for name, item in entries.items() if "@" not in item.get("source", "")] == []
    assert [name for name, item in entries.items() if not item["url"].startswith("https://")] == []


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.stem)
def test_the_products_files_hold_nothing_that_no_script_asks_for(path):
    """A download that is not needed is one more that can fail."""
    materials, _ = bom.read(path)
    assert set(materials.linux) == set(bom.NEEDED["linux"])
    assert set(materials.windows) == set(bom.NEEDED["windows"])


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.stem)
def test_preparenode_is_pinned_to_a_commit(path):
    """A branch moves, and the latest release of sig-windows-tools holds the script of 2022."""
    script = bom.read(path)[0].windows["PrepareNode.ps1"]
    assert re.fullmatch(r"[0-9a-f]{40}", script.version)
    assert script.url.endswith(
        f"/kubernetes-sigs/sig-windows-tools/{script.version}/hostprocess/PrepareNode.ps1"
    )


def test_an_entry_without_a_sum_is_refused_with_row_and_remedy(tmp_path):
    """It would be run unchecked."""
    (fault,) = faults(
        tmp_path, document(nssm={"url": "https://nssm.cc/nssm.zip", "sha256_url": "https://nssm.cc/sum"})
    )
    assert "bom.json, windows/amd64, nssm: it has no sha256 or sha512; take it from the publisher" in fault


@pytest.mark.parametrize("wrong", ["abc", SUM.upper(), SUM + "0", "g" * 64])
def test_a_sum_that_cannot_be_one_is_refused(tmp_path, wrong):
    """Too short, too long, or capital letters."""
    (fault,) = faults(tmp_path, document(nssm=entry(sha256=wrong)))
    assert f"its sha256 is {wrong!r}; accepted are 64 digits 0-9 a-f" in fault


def test_a_placeholder_is_no_sum(tmp_path):
    """It has the right length, so the sentence must not speak of the length."""
    (fault,) = faults(tmp_path, document(nssm=entry(sha256="0" * 64)))
    assert (
        "nssm: its sha256 is a placeholder (00000000...); write the 64 digits that the publisher has" in fault
    )


def test_a_missing_entry_is_named(tmp_path):
    """A machine asks for it by that name."""
    (fault,) = faults(tmp_path, document(**{"flanneld.exe": None}))
    assert "windows/amd64, flanneld.exe: there is no entry, but a windows machine needs it" in fault


@pytest.mark.parametrize("wrong", ["", "2", "two", "2.2.7-rc.1"])
def test_windows_is_told_the_version_of_containerd(tmp_path, wrong):
    """Its configuration file has another format in each major version."""
    (fault,) = faults(tmp_path, document(containerd=entry(version=wrong)))
    assert f"windows/amd64, containerd: its version is {wrong!r}; accepted is" in fault


@pytest.mark.parametrize(
    ("family", "version", "nearest"),
    [
        ("windows", "1.6.36", "1.7.28"),
        ("windows", "2.1.4", "2.1.5"),
        ("windows", "3.0.0", "2.2.7"),
        ("linux", "1.7.34", "2.1.5"),
    ],
)
def test_a_containerd_that_does_not_go_with_kubernetes_is_refused_with_the_nearest_that_does(
    tmp_path, family, version, nearest
):
    """On the machine it would be seen after ten minutes, or as pods that never start."""
    content = document()
    content[f"{family}/amd64"]["containerd"]["version"] = version  # type: ignore[index]
    (fault,) = faults(tmp_path, content)
    assert (
        f"{family}/amd64, containerd: version {version} does not go with Kubernetes 1.35 on {family}; the "
        f"nearest that does is {nearest}," in fault
    )


@pytest.mark.parametrize("version", ["1.7.34", "2.1.5", "2.2.7", "2.3.4"])
def test_another_containerd_that_goes_with_kubernetes_is_taken(tmp_path, version):
    """Somebody's own bill of materials may be ahead of the product's."""
    assert faults(tmp_path, document(containerd=entry(version=version))) == []


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "ftp://example.org/file",
        "https://example.org",
        "file.zip",
        "https://example.org/a b",
        "https://example.org/\u00e4",
    ],
)
def test_an_address_that_is_none_is_refused(tmp_path, wrong):
    """Only a file on http or https can be fetched."""
    (fault,) = faults(tmp_path, document(nssm=entry(url=wrong)))
    assert f"the address is {wrong!r}; accepted is an http(s) URL" in fault


def test_sha512_is_for_windows_alone(tmp_path):
    """The Linux scripts check with sha256sum."""
    long = {"url": "https://example.org/file", "sha512": SUM * 2}
    assert faults(tmp_path, document(nssm=long)) == []
    content = document()
    content["linux/amd64"] = {**content["linux/amd64"], "runc": long}  # type: ignore[dict-item]
    (fault,) = faults(tmp_path, content)
    assert "linux/amd64, runc: it has no sha256;" in fault


def test_every_fault_is_told_at_once(tmp_path):
    """Nobody wants to mend them one by one."""
    content = document(
        nssm=entry(sha256=""), containerd=entry(url="x", version="2.2.7"), **{"flanneld.exe": "not an object"}
    )
    assert len(faults(tmp_path, content)) == 3


def test_a_system_without_machines_is_not_judged(tmp_path):
    """A cluster without Windows nodes needs no Windows downloads."""
    content = document() | {"windows/amd64": {}}
    assert faults(tmp_path, content, "linux") == []
    assert len(faults(tmp_path, content)) == len(bom.NEEDED["windows"])


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("[", "is not JSON"),
        ("[]", "does not say its Kubernetes version"),
        ("{}", "does not say its Kubernetes version"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path, text, part):
    """One sentence, no traceback."""
    path = tmp_path / "bom.json"
    path.write_text(text)
    _, (problem,) = bom.read(path)
    assert part in problem


def test_a_file_that_is_not_there_is_refused(tmp_path):
    """The configuration may name any path."""
    _, (problem,) = bom.read(tmp_path / "none.json")
    assert "cannot be read (No such file or directory)" in problem


def test_a_mirror_has_every_file_under_its_publishers_host():
    """The scheme goes, the host becomes the first folder."""
    url = "https://dl.k8s.io/release/v1.35.8/bin/linux/amd64/kubeadm"
    assert (
        bom.mirrored(url, "http://10.0.0.9:8080/files")
        == "http://10.0.0.9:8080/files/dl.k8s.io/release/v1.35.8/bin/linux/amd64/kubeadm"
    )
    assert bom.mirrored(url, "") == url


def test_with_a_mirror_no_other_address_is_tried():
    """In a network without a way out, each would cost a timeout."""
    artifact = bom.Artifact(
        url="https://nssm.cc/a.zip", also=("https://example.org/a.zip",), sums={"sha256": SUM}
    )
    assert artifact.urls("") == ["https://nssm.cc/a.zip", "https://example.org/a.zip"]
    assert artifact.urls("http://mirror") == ["http://mirror/nssm.cc/a.zip"]
    assert (artifact.sum, artifact.sha256) == (f"sha256:{SUM}", SUM)
