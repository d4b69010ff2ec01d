"""The VPC's resolver."""

from ipaddress import IPv4Address

import pytest
from dnslib import RCODE, DNSRecord

from rehearsal.hosts import dns

SERVICES = IPv4Address("169.254.170.1")
SSM = "ssm.eu-west-1.amazonaws.com"


def response(query: bytes) -> DNSRecord:
    answer = dns.answer(query, SERVICES)
    assert answer is not None
    return DNSRecord.parse(answer)


def ask(name: str, kind: str = "A") -> tuple[str, list[str]]:
    """Return the response code and the addresses."""
    query = DNSRecord.question(name, kind)
    found = response(query.pack())
    assert (found.header.id, found.header.qr, found.header.rd) == (query.header.id, 1, query.header.rd)
    return RCODE[found.header.rcode], [str(record.rdata) for record in found.rr]


@pytest.mark.parametrize(
    "name", [SSM, "SSM.eu-west-1.AmazonAWS.com.", "iam.amazonaws.com", "b.s3.eu-west-1.amazonaws.com"]
)
def test_the_public_names_of_aws_lead_to_the_machine_host(name: str) -> None:
    assert ask(name) == ("NOERROR", [str(SERVICES)])


@pytest.mark.parametrize("name", ["ip-10-0-16-4.eu-west-1.compute.internal", "ip-10-0-16-4.ec2.internal"])
def test_private_names_are_the_addresses_that_they_spell(name: str) -> None:
    assert ask(name) == ("NOERROR", ["10.0.16.4"])


@pytest.mark.parametrize(
    "name",
    [
        "registry.k8s.io",
        "amazonaws.com.evil.example",
        "evilamazonaws.com",
        "ip-10-0-16-400.ec2.internal",
        "linux-0",
    ],
)
def test_no_other_name_exists(name: str) -> None:
    assert ask(name) == ("NXDOMAIN", []), "a machine that reaches for the Internet must fail at once"


@pytest.mark.parametrize("kind", ["AAAA", "PTR"])
def test_a_name_that_exists_has_no_records_of_other_kinds(kind: str) -> None:
    assert ask(SSM, kind) == ("NOERROR", [])
