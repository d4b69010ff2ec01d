"""rehearsal/build/aws_provider.py:

Pulumi's own provider where it is installed or insisted on, the stand-in elsewhere.
"""

from pathlib import Path

import pytest

from rehearsal.build import go_tool, sources
from rehearsal.build.aws_provider import PROGRAM, official, official_step
from rehearsal.build.errors import SuppliesError
from rehearsal.build.progress import Silent
from rehearsal.build.steps import Runner
from rehearsal.build.store import Store
from rehearsal.build.toolchain import AWS_PROVIDER

VERSION = AWS_PROVIDER.pinned_version


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache")


def plugin(path: Path) -> Path:
    path.parent.mkdir(parents=True)
    path.write_text("official")
    path.chmod(0o755)
    return path


def asked(tmp_path: Path, provider: str = "", path: str = "") -> dict[str, str]:
    return {"PULUMI_HOME": str(tmp_path / "home"), "PROVIDER": provider, "PATH": path}


@pytest.mark.parametrize("provider", ["", "official"])
def test_what_the_engine_has_installed_is_taken(tmp_path: Path, store: Store, provider: str):
    installed = plugin(tmp_path / f"home/plugins/resource-aws-v{VERSION}" / PROGRAM)
    assert official(store, asked(tmp_path, provider)) == installed


def test_who_insists_on_it_where_it_is_not_is_told_where_it_was_looked_for_and_how_to_get_it(
    tmp_path: Path, store: Store
):
    with pytest.raises(SuppliesError) as refused:
        official(store, asked(tmp_path, "official"))
    message = str(refused.value)
    assert "\n" not in message
    for part in (
        VERSION,
        str(tmp_path / "home/plugins"),
        "PATH",
        f"pulumi plugin install resource aws {VERSION}",
    ):
        assert part in message


def test_one_on_path_is_taken_when_it_is_insisted_on_but_never_the_rehearsals_own(
    tmp_path: Path, store: Store
):
    own = plugin(store.home / "supplies/bin-1" / PROGRAM)
    with pytest.raises(SuppliesError):
        official(store, asked(tmp_path, "official", str(own.parent)))
    theirs = plugin(tmp_path / "usr/bin" / PROGRAM)
    assert official(store, asked(tmp_path, "official", str(theirs.parent))) == theirs
    assert official(store, asked(tmp_path, "", str(theirs.parent))) is None, "its version is not known"


def test_another_setting_is_refused_with_what_is_accepted(tmp_path: Path, store: Store):
    with pytest.raises(SuppliesError, match="PROVIDER is 'mine'; accepted are official and stand-in"):
        official(store, asked(tmp_path, "mine"))


def test_it_is_used_although_the_stand_in_was_built_before(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
):
    """The choice was once made while building, so that what lay in the cache stayed."""
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("PROVIDER", raising=False)
    before = sources._built(store, AWS_PROVIDER, "go1.26")
    assert before.entry == go_tool.tool_step(store, AWS_PROVIDER, "go1.26").entry
    installed = plugin(tmp_path / f"home/plugins/resource-aws-v{VERSION}" / PROGRAM)
    after = sources._built(store, AWS_PROVIDER, "go1.26")
    assert after.entry == official_step(store, installed).entry != before.entry
    Runner(store, Silent()).make([after])
    assert (after.entry / PROGRAM).read_text() == "official"
