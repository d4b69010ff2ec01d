"""Inputs of each machine: those that its scripts ask for, from the configuration and the bill of
materials.
"""

import re

import pytest

from infra import workloads
from infra.config import bom, versions
from infra.errors import ConfigError
from infra.node import script_inputs, userdata
from rehearsal.windows_node.powershell import assignments, script_of
from tests import golden
from tests.support.stacks import parsed

ASSIGNMENT = re.compile(r"^([A-Z_]+)=", re.MULTILINE)


def inputs(case: str, name: str) -> dict[str, str]:
    """The assignments in front of a Linux script, still quoted."""
    parts = ASSIGNMENT.split(golden.rendered(case)[name].split("#:: ")[0])[1:]
    return {key: value.strip().strip("'") for key, value in zip(parts[::2], parts[1::2], strict=True)}


@pytest.mark.parametrize(
    ("role", "name"), [("control-plane", "expected-control-plane.sh"), ("worker", "expected-worker.sh")]
)
def test_a_linux_machine_is_told_what_its_scripts_ask_for_and_no_more(role, name):
    """`: "${NAME:?}"` stops a machine minutes later, in a console that nobody reads."""
    parts = (*userdata.LINUX_PARTS, role)
    text = "".join((userdata.SCRIPTS / "linux" / f"{part}.sh").read_text() for part in parts)
    asked = set(re.findall(r'"\$\{([A-Z_]+):\?\}"', text))
    given = inputs("smallest", name)
    assert asked <= given.keys()
    assert [key for key in given if not re.search(rf"\$\{{?{key}\b", text)] == []


def test_a_windows_machine_is_told_what_its_scripts_document():
    header = (userdata.SCRIPTS / "windows/worker.ps1").read_text()
    given = assignments(script_of(golden.user_data("smallest")["expected-windows.ps1"]))
    documented = (userdata.SCRIPTS / "windows/bootstrap.ps1").read_text() + header
    assert [key for key in given if not re.search(rf"\b{key}\b", documented)] == []


@pytest.mark.parametrize("case", golden.CASES)
def test_every_download_has_its_sum_beside_it(case):
    """Of the version of the stack, and nothing that the bill does not know."""
    materials = golden.stack(case).bom
    for name in ("expected-control-plane.sh", "expected-worker.sh"):
        for line in inputs(case, name)["ARTIFACTS"].splitlines():
            artifact, url, digest = line.split(" ")
            assert digest == materials.linux[artifact].sha256
            assert url == materials.linux[artifact].urls(golden.stack(case).artifact_mirror)[0]


def test_a_mirror_is_the_only_place_that_is_asked():
    """An air gap has no other."""
    texts = golden.rendered("mirrored").values()
    hosts = {host for text in texts for host in re.findall(r"https?://([^/' ]+)/", text)}
    assert hosts == {"files.example.org:8080"}
    assert inputs("mirrored", "expected-worker.sh")["REGISTRY_MIRROR"] == "https://registry.example.org"


def test_windows_gets_the_files_of_its_own_system():
    given = assignments(script_of(golden.user_data("smallest")["expected-windows.ps1"]))
    assert tuple(given["Artifacts"]) == bom.NEEDED["windows"]
    assert {sum_["Sum"].split(":")[0] for sum_ in given["Artifacts"].values()} <= set(bom.ACCEPTED["windows"])
    assert given["PauseImage"] == versions.pause_image("1.35.8")


@pytest.mark.parametrize("case", golden.CASES)
def test_images_are_pulled_ahead_where_they_run(case):
    """On Windows it takes a quarter of an hour.

    A Linux machine pulls the page's always: to turn the workloads on must not replace it.
    """
    deployed = golden.stack(case).workloads
    texts = golden.rendered(case)
    assert workloads.NGINX_IMAGE in texts["expected-worker.sh"]
    assert workloads.NGINX_IMAGE not in texts["expected-control-plane.sh"], "the page does not run there"
    if "expected-windows.ps1" in texts:
        assert (
            bool(assignments(script_of(golden.user_data(case)["expected-windows.ps1"]))["PrepullImages"])
            == deployed
        )


def test_another_end_is_no_other_user_data():
    """Or extending a preview would replace its machines."""
    first, second = (parsed(expiresAt=f"2027-0{month}-01T00:00:00Z") for month in (1, 2))
    place = {"region": golden.REGION, "public_ip": golden.PUBLIC_IP}
    assert script_inputs.control_plane(first, **place) == script_inputs.control_plane(second, **place)


def test_every_machine_has_room_and_a_check_says_which_has_not():
    """Before anything is declared: in a preview the ids are unknown, and nothing would be rendered."""
    script_inputs.check(parsed("many-pools"))
    large = {"labels": {f"label-{number}": "v" * 60 for number in range(300)}}
    stack = parsed(
        nodePools=[
            {"name": "linux"},
            *({"name": f"w-{number}", "os": "windows-2022", **large} for number in range(2)),
        ],
        workloads=False,
    )
    with pytest.raises(ConfigError) as caught:
        script_inputs.check(stack)
    assert len(caught.value.problems) == 2
