"""rehearsal/build/download.py against a publisher on loopback: good files, wrong ones, none, and half of
one.
"""

import hashlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal.build.download import ATTEMPTS, Download, Downloader, sum_in
from rehearsal.build.errors import SuppliesError
from tests.support.publisher import Publisher, serving

URL = "https://dl.k8s.io/release/v1.35.8/bin/linux/amd64/kubeadm"
PATH = "dl.k8s.io/release/v1.35.8/bin/linux/amd64/kubeadm"
CONTENT = bytes(range(256)) * 4096
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PINNED = Download(url=URL, sums={"sha256": SHA256})
WRONG = "0" * 63 + "1"


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with serving() as server:
        server.files[PATH] = CONTENT
        yield server


@pytest.fixture
def downloader(publisher: Publisher, tmp_path: Path) -> Downloader:
    return Downloader(tmp_path, mirror=publisher.url, pause=0.0)


def left_behind(downloader: Downloader) -> list[str]:
    return [path.name for path in downloader.folder.rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_a_file_with_the_pinned_sum_is_kept_by_its_address(publisher: Publisher, downloader: Downloader):
    path = downloader.fetch(PINNED)
    assert path == downloader.folder / PATH
    assert path.read_bytes() == CONTENT
    assert left_behind(downloader) == ["kubeadm"]


def test_a_file_that_is_there_is_not_asked_for_again(publisher: Publisher, downloader: Downloader):
    downloader.fetch(PINNED)
    downloader.fetch(PINNED)
    assert publisher.asked == [(PATH, "")]


def test_a_file_that_is_there_is_fetched_anew_when_the_pin_has_moved(
    publisher: Publisher, downloader: Downloader
):
    downloader.fetch(PINNED)
    publisher.files[PATH] = b"a newer one"
    wanted = Download(url=URL, sums={"sha256": hashlib.sha256(b"a newer one").hexdigest()})
    assert downloader.fetch(wanted).read_bytes() == b"a newer one"


def test_a_wrong_sum_names_the_file_both_sums_and_whose_they_are_and_keeps_nothing(
    publisher: Publisher, downloader: Downloader
):
    with pytest.raises(SuppliesError) as failure:
        downloader.fetch(Download(url=URL, sums={"sha256": WRONG}))
    message = str(failure.value)
    for part in (URL.removeprefix("https://"), SHA256, WRONG, "the bill of materials says", "SUPPLIES=build"):
        assert part in message
    assert left_behind(downloader) == []
    assert len(publisher.asked) == 1, "a wrong file does not become right by asking again"


def test_a_file_that_is_not_there_is_said_at_once(publisher: Publisher, downloader: Downloader):
    with pytest.raises(SuppliesError, match=r"kubelet answers 404.*check the version.*SUPPLIES=build"):
        downloader.fetch(Download(url=URL.replace("kubeadm", "kubelet"), sums={"sha256": SHA256}))
    assert len(publisher.asked) == 1


def test_a_connection_that_is_cut_is_gone_on_with_where_it_was_cut(
    publisher: Publisher, downloader: Downloader
):
    publisher.cut_after, publisher.cuts = 4 << 16, 2
    assert downloader.fetch(PINNED).read_bytes() == CONTENT
    assert [span for _, span in publisher.asked] == ["", f"bytes={4 << 16}-", f"bytes={8 << 16}-"]


def test_a_publisher_without_ranges_is_asked_for_the_whole_file_again(
    publisher: Publisher, downloader: Downloader
):
    publisher.cut_after, publisher.cuts, publisher.ranges = 300_000, 1, False
    assert downloader.fetch(PINNED).read_bytes() == CONTENT


def test_the_next_run_goes_on_where_this_one_was_given_up(publisher: Publisher, downloader: Downloader):
    publisher.cut_after, publisher.cuts = 1 << 16, ATTEMPTS
    with pytest.raises(
        SuppliesError,
        match=f"cut after {ATTEMPTS << 16} bytes.*given up after {ATTEMPTS} attempts.*goes on from there",
    ):
        downloader.fetch(PINNED)
    publisher.asked.clear()
    assert downloader.fetch(PINNED).read_bytes() == CONTENT
    assert publisher.asked == [(PATH, f"bytes={ATTEMPTS << 16}-")]


@pytest.mark.parametrize("half", [b"of an older file", b"x" * (len(CONTENT) + 7)], ids=["shorter", "longer"])
def test_a_half_of_another_file_is_thrown_away_and_the_whole_fetched(
    publisher: Publisher, downloader: Downloader, half: bytes
):
    part = downloader.folder / f"{PATH}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(half)
    assert downloader.fetch(PINNED).read_bytes() == CONTENT


def test_an_answer_of_the_servers_own_trouble_is_tried_again(publisher: Publisher, downloader: Downloader):
    publisher.failures = [503, 502, 429]
    assert downloader.fetch(PINNED).read_bytes() == CONTENT


def test_a_publisher_that_is_not_reached_is_named(tmp_path: Path):
    with serving() as gone:
        address = gone.url
    with pytest.raises(SuppliesError, match=f"{address}/{PATH} cannot be reached.*given up"):
        Downloader(tmp_path, mirror=address, pause=0.0).fetch(PINNED)


def test_a_file_without_a_pin_is_checked_by_its_publishers_own_sum(
    publisher: Publisher, downloader: Downloader
):
    wanted = Download(url=URL, sums_url=f"{URL}.sha256")
    publisher.files[f"{PATH}.sha256"] = f"{SHA256}\n".encode()
    said: list[str] = []
    downloader.fetch(wanted, said.append)
    assert said[0] == f"kubeadm, sha256 of the publisher's {publisher.url}/{PATH}.sha256"


def test_a_file_that_is_not_its_publishers_own_is_refused(publisher: Publisher, downloader: Downloader):
    publisher.files[f"{PATH}.sha256"] = WRONG.encode()
    with pytest.raises(SuppliesError, match=rf"{SHA256}, the publisher's \S+kubeadm\.sha256 says {WRONG}"):
        downloader.fetch(Download(url=URL, sums_url=f"{URL}.sha256"))


def test_a_pin_is_worth_more_than_the_publishers_own_sum(publisher: Publisher, downloader: Downloader):
    publisher.files[f"{PATH}.sha256"] = WRONG.encode()
    downloader.fetch(Download(url=URL, sums={"sha256": SHA256}, sums_url=f"{URL}.sha256"))
    assert publisher.asked == [(PATH, "")]


@pytest.mark.parametrize("sums_url", ["", f"{URL}.sha256"])
def test_a_file_without_any_sum_is_not_downloaded(
    publisher: Publisher, downloader: Downloader, sums_url: str
):
    publisher.files[f"{PATH}.sha256"] = b"<html>moved</html>"
    with pytest.raises(SuppliesError, match=r"has no sum.*pin one"):
        downloader.fetch(Download(url=URL, sums_url=sums_url))
    assert (PATH, "") not in publisher.asked


def test_a_sum_is_read_as_sha256sum_writes_it(tmp_path: Path):
    for name in ("runc.amd64", "runc.arm64"):
        (tmp_path / name).write_text(name)
    listed = subprocess.run(
        ["sha256sum", "./runc.arm64", "runc.amd64"], cwd=tmp_path, capture_output=True, text=True
    ).stdout
    assert sum_in(listed, "runc.amd64") == ("sha256", hashlib.sha256(b"runc.amd64").hexdigest())
    assert sum_in(listed, "runc.arm64") == ("sha256", hashlib.sha256(b"runc.arm64").hexdigest())
    assert sum_in(listed, "runc") is None
    assert sum_in("ab" * 64, "any") == ("sha512", "ab" * 64)


def test_a_sum_is_read_as_github_describes_a_release():
    """docs.github.com, REST API, "Get a release by tag name":

    `assets[].digest`, null for files of before June 2025.
    """
    assets = [
        {"name": "flanneld-arm64", "digest": "sha256:00"},
        {"name": "flanneld-amd64", "digest": f"sha256:{SHA256}"},
    ]
    release = json.dumps({"tag_name": "v0.28.9", "assets": [*assets, {"name": "old", "digest": None}]})
    assert sum_in(release, "flanneld-amd64") == ("sha256", SHA256)
    assert sum_in(release, "flanneld") is None
    assert sum_in(release, "old") is None
