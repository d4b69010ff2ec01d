"""Compare lint with kubectl: lint must read the same objects from every form of stream, and read on where
kubectl stops.

`kubectl label --local -o json` reads as apply does (StreamVisitor, YAMLOrJSONDecoder) and prints the objects
without a server.
"""

import io
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.lint.objects import expand
from microcosm.lint import manifests
from tests.support import built_tools
from tests.support.generated_texts import texts

COUNT = 2_000
BATCH = 100
COMPLAINT = re.compile(r"(?=error parsing |unable to decode )")
BUILT = built_tools.kubernetes()
pytestmark = pytest.mark.skipif(not BUILT, reason="no kubectl is built here: `make rehearse` builds one")


@pytest.fixture(scope="module", params=sorted(BUILT))
def kubectl(request) -> Path:
    return BUILT[request.param] / "kubectl"


@pytest.fixture(scope="module")
def both(kubectl, tmp_path_factory) -> list[tuple[bytes, list[Any], str, manifests.Manifests]]:
    """Return each text, the objects that kubectl reads in it, kubectl's error, and the result of lint."""
    given = texts(COUNT)
    answers: list[tuple[list[Any], str]] = []
    for first in range(0, COUNT, BATCH):
        folder = tmp_path_factory.mktemp("texts")
        for number, text in enumerate(given[first : first + BATCH], start=first):
            (folder / f"t{number}.yaml").write_bytes(text)
        printed, complaints = ask(kubectl, str(folder))
        for number in range(first, min(first + BATCH, COUNT)):
            mine = [each for each in printed if each["metadata"]["name"][1:].partition("-")[0] == str(number)]
            answers.append((mine, "\n".join(line for line in complaints if f"t{number}.yaml" in line)))
    return [
        (text, *answer, manifests.load(["-"], io.BytesIO(text)))
        for text, answer in zip(given, answers, strict=True)
    ]


def ask(kubectl: Path, path: str, text: bytes = b"") -> tuple[list[Any], list[str]]:
    """Return the objects that kubectl reads under a path, and its errors."""
    command = [kubectl, "label", "--local", "-f", path, "seen=yes", "-o", "json"]
    done = subprocess.run(command, input=text, capture_output=True, check=False)
    return [each for each in objects(done.stdout.decode()) if each.get("apiVersion")], COMPLAINT.split(
        done.stderr.decode()
    )


def objects(printed: str) -> Iterator[Any]:
    """Yield the objects that kubectl printed, without the added label."""
    place, decoder = (
        0,
        json.JSONDecoder(parse_int=lambda digits: int(digits) if abs(int(digits)) < 2**63 else float(digits)),
    )
    while place < len(printed.rstrip()):
        value, end = decoder.raw_decode(printed, place)
        place = end + 1
        value["metadata"]["labels"].pop("seen")
        if not value["metadata"]["labels"]:
            value["metadata"].pop("labels")
        yield value


def read(found: manifests.Manifests) -> list[Any]:
    return [document.object for document in expand(found.documents)]


def test_what_kubectl_reads_is_read_the_same(both):
    for text, theirs, _, ours in both:
        missing = [each for each in theirs if each not in read(ours)]
        assert missing == [], text


def test_where_kubectl_has_no_complaint_lint_reads_the_same_and_has_none(both):
    for text, theirs, complaint, ours in both:
        more = [each["metadata"]["name"] for each in read(ours) if each not in theirs]
        if not complaint:
            assert [each for each in read(ours) if each in theirs] == theirs, text
            # After JSON that it reads as YAML, kubectl silently drops the objects that follow.
            assert all(name.startswith("j") for name in more), text
            assert more or not theirs or not ours.problems, text
    fine = sum(1 for _, theirs, complaint, _ in both if theirs and not complaint)
    assert COUNT / 4 < fine < COUNT * 3 / 4, (
        "where all texts are fine, or none, the comparison proves nothing"
    )


def test_what_kubectl_cannot_read_is_a_problem_or_no_object(both):
    silent = [
        (text, complaint)
        for text, _, complaint, ours in both
        if "error parsing" in complaint and not (ours.problems or ours.others)
    ]
    assert silent == []


def test_one_bad_document_never_hides_the_others(kubectl):
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: %s}\n"
    text = f"{pod % 'a'}---\na: [\n---\n{pod % 'b'}--- x: y\n{pod % 'c'}---\n{pod % 'd'}"
    assert [each["metadata"]["name"] for each in ask(kubectl, "-", text.encode())[0]] == ["a"], (
        "kubectl stops"
    )
    found = manifests.load(["-"], io.BytesIO(text.encode()))
    assert [each["metadata"]["name"] for each in read(found)] == ["a", "b", "d"]
    assert [problem.split(":")[1] for problem in found.problems] == ["5", "10"]
