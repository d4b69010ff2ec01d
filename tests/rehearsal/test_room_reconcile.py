"""What the room does about the difference between AWS and its machines."""

import pytest

from rehearsal.room.reconcile import Action, Status, reconcile

from .room_values import an_instance


@pytest.mark.parametrize(
    ("aws", "machine", "action"),
    [
        ("pending", Status.ABSENT, Action.BOOT),
        ("running", Status.ABSENT, Action.BOOT),
        ("running", Status.RUNNING, None),
        ("running", Status.OFF, Action.BOOT),
        ("running", Status.ENDED, Action.TELL_AWS),
        ("running", Status.BROKEN, None),
        ("stopping", Status.RUNNING, Action.POWER_OFF),
        ("stopped", Status.ENDED, Action.POWER_OFF),
        ("stopped", Status.OFF, None),
        ("stopped", Status.ABSENT, None),
        ("shutting-down", Status.RUNNING, Action.REMOVE),
        ("terminated", Status.OFF, Action.REMOVE),
        ("terminated", Status.BROKEN, Action.REMOVE),
        ("terminated", Status.ABSENT, None),
    ],
)
def test_each_pair_of_states_has_its_action(aws: str, machine: Status, action: Action | None) -> None:
    needed = reconcile({"i-0": an_instance(state=aws)}, {"i-0": machine})
    assert needed == ({"i-0": action} if action else {})


@pytest.mark.parametrize("aws", ["pending", "running", "stopping", "stopped", "shutting-down", "terminated"])
def test_a_machine_in_the_middle_of_something_is_left_alone(aws: str) -> None:
    assert reconcile({"i-0": an_instance(state=aws)}, {"i-0": Status.BUSY}) == {}


def test_a_machine_whose_instance_aws_has_forgotten_is_removed() -> None:
    assert reconcile({}, {"i-0": Status.RUNNING}) == {"i-0": Action.REMOVE}


def test_a_new_instance_boots_while_the_others_go_on() -> None:
    instances = {id: an_instance(id) for id in ("i-0", "i-1")}
    assert reconcile(instances, {"i-0": Status.RUNNING}) == {"i-1": Action.BOOT}
