"""Test that secrets of a cluster are in no log, report, readable file or plain output."""

import json
import os
import stat
from pathlib import Path

import pytest

from infra import join_parameters
from microcosm.kubeconfig import document as kubeconfig
from microcosm.kubeconfig import file as kubeconfig_file
from tests.support.engine import plain
from tests.support.stacks import KUBECONFIG, STACKS, deployed

OURS = {
    "clusters": [{"name": "a", "cluster": {"server": "https://198.51.100.7:6443"}}],
    "users": [{"name": "a", "user": {"client-key-data": "c2VjcmV0"}}],
    "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
    "current-context": "a",
}


@pytest.fixture(params=[0o000, 0o022, 0o077], ids="umask-{:03o}".format)
def umask(request):
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("before", [None, 0o644, 0o666, 0o600], ids=["new", "0644", "0666", "0600"])
def test_a_kubeconfig_is_its_owners_alone_whatever_was_there_and_whatever_the_umask(tmp_path, umask, before):
    """A file that was readable by all is private after it is written, merged or edited."""
    path = tmp_path / "config"
    if before is not None:
        path.touch()
        path.chmod(before)
    kubeconfig_file.write(path, OURS)
    assert mode(path) == 0o600
    path.chmod(before or 0o644)
    kubeconfig_file.edit(path, lambda config: kubeconfig.merge({**config, "preferences": {}}, OURS, use=True))
    assert mode(path) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["config"], "no draft is left behind"


def test_the_draft_of_a_kubeconfig_is_private_from_its_first_byte(tmp_path, monkeypatch, umask):
    """Others could read the draft between its creation and its renaming."""
    seen: list[int] = []
    replace = os.replace

    def watched(draft: str, place: Path) -> None:
        seen.append(mode(Path(draft)))
        replace(draft, place)

    modes = {"write": lambda fd: seen.append(stat.S_IMODE(os.fstat(fd).st_mode))}
    monkeypatch.setattr(os, "fsync", modes["write"])
    monkeypatch.setattr(os, "replace", watched)
    kubeconfig_file.write(tmp_path / "config", OURS)
    assert seen == [0o600, 0o600]


@pytest.mark.parametrize("stack", STACKS)
def test_a_secret_is_marked_as_one_wherever_the_program_hands_it_to_pulumi(stack):
    """Pulumi encrypts marked values in the state and hides them."""
    found = deployed(stack, "up")
    for registration in found.registrations.values():
        for key, value in registration.inputs.items():
            if KUBECONFIG in json.dumps(value):
                assert registration.is_secret(key), f"{registration.urn} {key}"
    for parameter in found.of("aws:ssm/parameter:Parameter"):
        if parameter.name.removeprefix("dev-") in join_parameters.DOCUMENTS:
            assert plain(parameter.inputs["type"]) == "SecureString"
            assert {"value", "valueWo"} <= set(parameter.raw.additionalSecretOutputs)
    leaks = [
        key
        for key, value in found.outputs.items()
        if key not in found.secret_outputs and KUBECONFIG in json.dumps(value)
    ]
    assert leaks == []


def test_the_readme_writes_no_kubeconfig_that_others_can_read():
    """A shell redirection obeys the umask, which lets all users read."""
    readme = (Path(__file__).resolve().parents[3] / "README.md").read_text()
    assert "(umask 077; pulumi stack output --show-secrets kubeconfig > kubeconfig)" in readme
    assert readme.count("--show-secrets") == 1
