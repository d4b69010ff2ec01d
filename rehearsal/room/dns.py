"""The VPC's resolver, as a function from a query to an answer (RFC 1035, UDP). No sockets here.

A resolver rather than lines in /etc/hosts, because that is what a VPC has: pods ask it through CoreDNS, and no machine needs
to be told anything. It knows AWS's own names, which lead to the room, and the machines' private names; nothing else exists."""

import re
import struct
from ipaddress import IPv4Address

_HEADER = struct.Struct("!6H")
_QUESTION = struct.Struct("!2H")
_RECORD = struct.Struct("!3HIH")
_A, _ANY, _IN = 1, 255, 1
_ANSWER, _AUTHORITATIVE, _RECURSION_WANTED, _RECURSION_AVAILABLE = 0x8000, 0x0400, 0x0100, 0x0080
_NO_SUCH_NAME, _FORMAT_ERROR, _NOT_IMPLEMENTED = 3, 1, 4
_NAME_AT_QUESTION = 0xC000 | _HEADER.size  # a pointer back to the name in the question
_TTL_SECONDS = 5

_PRIVATE_NAME = re.compile(r"ip-(\d+)-(\d+)-(\d+)-(\d+)\.(?:ec2|[a-z0-9-]+\.compute)\.internal")
_AWS_NAME = re.compile(r"(?:.+\.)?amazonaws\.com")


def lookup(name: str, room: IPv4Address) -> IPv4Address | None:
    """The address of a name in lower case, without its final dot."""
    if _AWS_NAME.fullmatch(name):
        return room
    match = _PRIVATE_NAME.fullmatch(name)
    if match and all(int(part) < 256 for part in match.groups()):
        return IPv4Address(".".join(match.groups()))
    return None


def answer(query: bytes, room: IPv4Address) -> bytes | None:
    """The response to a query; None for what is not a query and deserves silence."""
    if len(query) < _HEADER.size:
        return None
    id, flags, questions, *_ = _HEADER.unpack_from(query)
    if flags & _ANSWER:
        return None
    if flags & 0x7800:
        return _response(id, flags, _NOT_IMPLEMENTED)
    try:
        name, end = _name(query, _HEADER.size)
        kind, _ = _QUESTION.unpack_from(query, end)
    except (IndexError, struct.error, UnicodeDecodeError):
        return _response(id, flags, _FORMAT_ERROR)
    if questions != 1:
        return _response(id, flags, _FORMAT_ERROR)
    question = query[_HEADER.size : end + _QUESTION.size]
    return _resolved(id, flags, question, lookup(name, room), wants_address=kind in (_A, _ANY))


def _resolved(id: int, flags: int, question: bytes, address: IPv4Address | None, *, wants_address: bool) -> bytes:
    if address is None:
        return _response(id, flags, _NO_SUCH_NAME, question)
    if not wants_address:
        return _response(id, flags, 0, question)
    record = _RECORD.pack(_NAME_AT_QUESTION, _A, _IN, _TTL_SECONDS, len(address.packed)) + address.packed
    return _response(id, flags, 0, question, record)


def _response(id: int, flags: int, code: int, question: bytes = b"", record: bytes = b"") -> bytes:
    bits = _ANSWER | _AUTHORITATIVE | _RECURSION_AVAILABLE | flags & _RECURSION_WANTED | code
    return _HEADER.pack(id, bits, int(bool(question)), int(bool(record)), 0, 0) + question + record


def _name(query: bytes, offset: int) -> tuple[str, int]:
    """The name at `offset` and where it ends. Questions are never compressed: a pointer is an error."""
    labels: list[str] = []
    while length := query[offset]:
        if length > 63:
            raise IndexError(offset)
        labels.append(query[offset + 1 : offset + 1 + length].decode("ascii").lower())
        offset += 1 + length
    return ".".join(labels), offset + 1
