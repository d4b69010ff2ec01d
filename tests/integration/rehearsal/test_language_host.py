"""Test that the stand-in language host reports errors and passes the configuration as the official one
does.
"""

import signal
import subprocess
from pathlib import Path

import grpc
import pytest
from pulumi.runtime.proto import language_pb2, language_pb2_grpc

import rehearsal
from rehearsal.fake_aws.process import running_cloud
from rehearsal.waiting import poll
from tests.support.plugin import ENVIRONMENT, start_and_kill_its_parent
from tests.support.pulumi_cli import Stack, is_there, project

PLUGIN = Path(rehearsal.__file__).parent / "bin" / "pulumi-language-python"
engine = [
    pytest.mark.engine,
    pytest.mark.skipif(not is_there(), reason="pulumi is not on PATH: put the rehearsal's tools there"),
]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("cloud"), "eu-west-1") as cloud:
        yield cloud


def test_it_ends_when_the_engine_is_killed():
    assert start_and_kill_its_parent(PLUGIN).strip().isdigit()


class TestWithoutTheEngine:
    """The host alone, with a script in place of the program that runs Pulumi programs."""

    @pytest.fixture
    def host(self, tmp_path):
        """Start a host that finds this script; yield the script's path, a client and the host's process."""
        script = tmp_path / "pulumi-language-python-exec"
        script.touch(mode=0o755)
        environment = ENVIRONMENT | {"PATH": f"{tmp_path}:{ENVIRONMENT['PATH']}"}
        process = subprocess.Popen(
            [PLUGIN, "127.0.0.1:1"], env=environment, text=True, stdout=subprocess.PIPE
        )
        with grpc.insecure_channel(f"127.0.0.1:{process.stdout.readline().strip()}") as channel:
            yield script, language_pb2_grpc.LanguageRuntimeStub(channel), process
        process.kill()
        process.communicate()

    @pytest.mark.parametrize(
        ("code", "error", "bail"),
        [(0, "", False), (3, "program exited with non-zero exit code: 3", False), (32, "", True)],
    )
    def test_the_programs_exit_code_is_the_answer(self, host, tmp_path, code, error, bail):
        script, client, _ = host
        script.write_text(f"import sys\nsys.exit({code})\n")
        answer = client.Run(language_pb2.RunRequest(pwd=str(tmp_path)), timeout=20)
        assert (answer.error, answer.bail) == (error, bail)

    def test_no_program_outlives_the_host(self, host, tmp_path):
        """The program would wait for machines for half an hour."""
        script, client, process = host
        script.write_text(
            f"import os, time\nopen('{tmp_path}/pid', 'w').write(str(os.getpid()))\ntime.sleep(600)\n"
        )
        call = client.Run.future(language_pb2.RunRequest(pwd=str(tmp_path)))
        pid = eventually(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
        assert not call.done()
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        eventually(
            lambda: (
                not Path(f"/proc/{pid}").exists() or "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
            )
        )


def eventually(condition):
    found = poll(condition, 20)
    assert found
    return found


class TestUnderTheEngine:
    pytestmark = engine

    def test_a_run_error_is_its_message_and_no_traceback(self, tmp_path, cloud):
        program = "import pulumi\nraise pulumi.RunError('adminCidrs is empty; give your own network')\n"
        output = Stack(project(tmp_path / "refused", program), cloud).run("preview", code=1)

        assert "error: adminCidrs is empty; give your own network" in output
        assert "Traceback" not in output
        assert "an unhandled error occurred: program exited with non-zero exit code: 1" in output
