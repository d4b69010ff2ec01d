"""The stand-in language host shows a program's errors as the official one does, and hands it its configuration."""

from pathlib import Path

import pytest

import rehearsal
from rehearsal.cloud.process import running_cloud
from tests.support.plugin import start_and_interrupt, start_and_kill_its_parent
from tests.support.pulumi_cli import Stack, is_there, project

PLUGIN = Path(rehearsal.__file__).parent / "bin" / "pulumi-language-python"
engine = [pytest.mark.engine, pytest.mark.skipif(not is_there(), reason="pulumi is not on PATH: put the rehearsal's tools there")]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("cloud"), "eu-west-1") as cloud:
        yield cloud


def test_it_prints_its_port_and_ends_quietly_when_told():
    port, code, complaints = start_and_interrupt(PLUGIN)

    assert 0 < port < 65_536
    assert (code, complaints) == (0, "")


def test_it_ends_when_the_engine_is_killed():
    assert start_and_kill_its_parent(PLUGIN).strip().isdigit()


class TestUnderTheEngine:
    pytestmark = engine

    def test_a_run_error_is_its_message_and_no_traceback(self, tmp_path, cloud):
        program = "import pulumi\nraise pulumi.RunError('adminCidrs is empty; give your own network')\n"
        output = Stack(project(tmp_path / "refused", program), cloud).run("preview", code=1)

        assert "error: adminCidrs is empty; give your own network" in output
        assert "Traceback" not in output
        assert "an unhandled error occurred: program exited with non-zero exit code: 1" in output

    def test_any_other_error_comes_with_the_programs_own_traceback(self, tmp_path, cloud):
        program = "def build():\n    return 1 / 0\n\nbuild()\n"
        output = Stack(project(tmp_path / "broken", program), cloud).run("preview", code=1)

        assert "error: Program failed with an unhandled exception:" in output
        assert "in build" in output
        assert "ZeroDivisionError: division by zero" in output
        assert "language_host.py" not in output, "the host's own frames help nobody"
        assert "an unhandled error occurred" not in output

    def test_an_error_inside_an_apply_fails_the_run(self, tmp_path, cloud):
        program = "import pulumi\npulumi.export('x', pulumi.Output.from_input(1).apply(lambda _: {}['missing']))\n"
        output = Stack(project(tmp_path / "apply", program), cloud).run("preview", code=1)

        assert "KeyError: 'missing'" in output

    def test_configuration_secrets_and_names_reach_the_program(self, tmp_path, cloud):
        program = (
            "import os, pulumi\nconfig = pulumi.Config()\npulumi.export('plain', config.require('plain'))\n"
            "pulumi.export('hidden', config.require_secret('hidden'))\npulumi.export('names', [pulumi.get_project(), pulumi.get_stack()])\n"
            "pulumi.export('folder', os.getcwd())\n"
        )
        stack = Stack(project(tmp_path / "configured", program), cloud)
        stack.run("config", "set", "plain", "seen")
        stack.run("config", "set", "--secret", "hidden", "unseen")
        stack.change("up")

        assert stack.run("stack", "output", "plain").strip() == "seen"
        assert stack.run("stack", "output", "hidden").strip() == "[secret]"
        assert stack.run("stack", "output", "--json", "names").split() == ["[", '"configured",', '"dev"', "]"]
        assert stack.run("stack", "output", "folder").strip() == str(stack.project)
