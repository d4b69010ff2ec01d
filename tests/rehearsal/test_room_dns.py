"""The VPC's resolver."""

import socket
import struct
from ipaddress import IPv4Address

import pytest

from rehearsal.room import dns

ROOM = IPv4Address("169.254.170.1")
A, AAAA, PTR = 1, 28, 12


def query(name: str, kind: int = A, flags: int = 0x0100) -> bytes:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label)
    return struct.pack("!6H", 77, flags, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", kind, 1)


def ask(name: str, kind: int = A) -> tuple[int, list[str]]:
    """The response code and the addresses."""
    response = dns.answer(query(name, kind), ROOM)
    assert response is not None
    id, flags, questions, answers, *_ = struct.unpack_from("!6H", response)
    assert (id, flags & 0x8000, questions) == (77, 0x8000, 1)
    return flags & 0xF, [socket.inet_ntoa(response[-4:])] if answers else []


@pytest.mark.parametrize("name", ["ssm.eu-west-1.amazonaws.com", "SSM.eu-west-1.AmazonAWS.com.", "iam.amazonaws.com", "b.s3.eu-west-1.amazonaws.com"])
def test_the_public_names_of_aws_lead_to_the_room(name: str) -> None:
    assert ask(name) == (0, [str(ROOM)])


@pytest.mark.parametrize("name", ["ip-10-0-16-4.eu-west-1.compute.internal", "ip-10-0-16-4.ec2.internal"])
def test_private_names_are_the_addresses_that_they_spell(name: str) -> None:
    assert ask(name) == (0, ["10.0.16.4"])


@pytest.mark.parametrize(
    "name", ["registry.k8s.io", "amazonaws.com.evil.example", "evilamazonaws.com", "ip-10-0-16-400.ec2.internal", "control-plane"]
)
def test_nothing_else_exists(name: str) -> None:
    assert ask(name) == (3, []), "a machine that reaches for the internet must fail at once"


@pytest.mark.parametrize("kind", [AAAA, PTR])
def test_a_name_that_exists_has_no_records_of_other_kinds(kind: int) -> None:
    assert ask("ssm.eu-west-1.amazonaws.com", kind) == (0, [])


@pytest.mark.parametrize("length", range(12, len(query("ssm.eu-west-1.amazonaws.com")) - 1))
def test_a_query_that_was_cut_off_is_a_format_error(length: int) -> None:
    response = dns.answer(query("ssm.eu-west-1.amazonaws.com")[:length], ROOM)
    assert response is not None
    assert response[3] & 0xF == 1


def test_what_is_no_query_gets_no_answer() -> None:
    assert dns.answer(b"short", ROOM) is None
    assert dns.answer(query("a.amazonaws.com", flags=0x8180), ROOM) is None, "answering answers makes loops"


def test_other_operations_are_not_implemented() -> None:
    response = dns.answer(query("a.amazonaws.com", flags=0x2800), ROOM)
    assert response is not None
    assert response[3] & 0xF == 4
