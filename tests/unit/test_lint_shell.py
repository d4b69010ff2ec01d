"""`make lint`'s part for shell scripts: it finds nothing now, and it can find."""

from tests import golden, lint_shell


def test_shellcheck_has_nothing_to_say_about_what_linux_machines_run():
    assert lint_shell.joined_findings() == []


def test_shellcheck_has_nothing_to_say_about_the_other_scripts():
    assert lint_shell.file_findings() == []


def test_no_script_is_forgotten():
    found = {path.relative_to(lint_shell.PROJECT).as_posix() for path in lint_shell.scripts()}
    assert {".ci/run", "rehearsal/hosts/boot-machine.sh"} <= found
    assert not any("userdata/linux" in path for path in found)


def test_a_finding_names_the_file_that_has_to_be_changed():
    """Lines of user-data are known to nobody."""
    text = golden.user_data("that-ends")["expected-worker.sh"]
    lines = text.splitlines()
    for part, words in (
        ("machine", "prepare() {"),
        ("expiry", "end_when_expired() {"),
        ("worker", "kubeadm_join() {"),
    ):
        place = lint_shell.origin(text, lines.index(words) + 1)
        number = (lint_shell.SCRIPTS / "linux" / f"{part}.sh").read_text().splitlines().index(words) + 1
        assert place == f"userdata/linux/{part}.sh:{number}"
    assert lint_shell.origin(text, 2) == "(rendered user-data):2"


def test_a_mistake_is_found():
    """Or a shellcheck that cannot run would pass for a clean bill."""
    (comment,) = lint_shell._shellcheck(["-"], "#!/bin/bash\nrm -rf $1\n")
    assert (comment["line"], comment["code"]) == (2, 2086)
