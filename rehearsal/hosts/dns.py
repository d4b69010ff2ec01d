"""Answer a DNS query as the VPC's resolver does (RFC 1035, UDP).

No sockets here.

A VPC has a resolver, which pods ask through CoreDNS, so lines in /etc/hosts would not do. It knows the names
of AWS's services, which lead to the machine host, and the private names of machines. No other name exists.
"""

import re
from ipaddress import IPv4Address

from dnslib import OPCODE, QTYPE, RCODE, RR, A, DNSBuffer, DNSError, DNSHeader, DNSRecord

_TTL_SECONDS = 5
_PRIVATE_NAME = re.compile(r"ip-(\d+)-(\d+)-(\d+)-(\d+)\.(?:ec2|[a-z0-9-]+\.compute)\.internal")
_AWS_NAME = re.compile(r"(?:.+\.)?amazonaws\.com")


def lookup(name: str, services: IPv4Address) -> IPv4Address | None:
    """Return the address of a name in lower case without its final dot; AWS's services are at `services`."""
    if _AWS_NAME.fullmatch(name):
        return services
    match = _PRIVATE_NAME.fullmatch(name)
    if match and all(int(part) < 256 for part in match.groups()):
        return IPv4Address(".".join(match.groups()))
    return None


def answer(query: bytes, services: IPv4Address) -> bytes | None:
    """Return the response to a query; None for data that is no query, which a resolver ignores."""
    try:
        header = DNSHeader.parse(DNSBuffer(query))
    except DNSError:
        return None
    if header.qr:
        return None
    if header.opcode != OPCODE.QUERY:
        return _refusal(header, RCODE.NOTIMP)
    try:
        request = DNSRecord.parse(query)
    except DNSError:
        return _refusal(header, RCODE.FORMERR)
    if len(request.questions) != 1:
        return _refusal(header, RCODE.FORMERR)
    response = request.reply(ra=1, aa=1)
    address = lookup(str(request.q.qname).rstrip(".").lower(), services)
    if address is None:
        response.header.rcode = RCODE.NXDOMAIN
    elif request.q.qtype in (QTYPE.A, QTYPE.ANY):
        response.add_answer(RR(request.q.qname, QTYPE.A, rdata=A(str(address)), ttl=_TTL_SECONDS))
    return bytes(response.pack())


def _refusal(header: DNSHeader, code: int) -> bytes:
    response = DNSHeader(id=header.id, qr=1, aa=1, ra=1, rd=header.rd, opcode=header.opcode, rcode=code)
    return bytes(DNSRecord(response).pack())
