"""Security descriptors of Windows files: made from the few parts that a layer needs, in the self-relative
form of [MS-DTYP] 2.4.6.

Plain files and folders get what BuildKit gives them (moby/buildkit 73ed682, util/winlayers/differ.go,
addSecurityDescriptor): full control for Administrators and SYSTEM, read and execute for Users, who may also
add files to folders. Folders of the base keep their own descriptors, from the base's layers where they are
here, or else the ones that Windows Server and IIS set up.
"""

import base64
import struct
from collections.abc import Sequence
from dataclasses import dataclass

_SELF_RELATIVE, _DACL_PRESENT, _DACL_PROTECTED = 0x8000, 0x0004, 0x1000
OBJECT, CONTAINER, ONLY_INHERIT, INHERITED = 0x01, 0x02, 0x08, 0x10
FULL, READ_EXECUTE, MODIFY = 0x1F01FF, 0x1200A9, 0x1301BF
GENERIC_ALL, GENERIC_READ_EXECUTE = 0x10000000, 0xA0000000
_ADD_FILE, _ADD_FOLDER = 0x2, 0x4

SYSTEM = (5, (18,))
ADMINISTRATORS = (5, (32, 544))
USERS = (5, (32, 545))
IIS_IUSRS = (5, (32, 568))
CREATOR_OWNER = (3, (0,))
# NT SERVICE\\TrustedInstaller
TRUSTED_INSTALLER = (5, (80, 956008885, 3418522649, 1831038044, 1853292631, 2271478464))
Sid = tuple[int, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Ace:
    """An entry that allows `mask` to `who`."""

    who: Sid
    mask: int
    flags: int = 0


_FILE = (Ace(ADMINISTRATORS, FULL), Ace(SYSTEM, FULL), Ace(USERS, READ_EXECUTE))
_INHERIT = OBJECT | CONTAINER
_FOLDER = (
    Ace(ADMINISTRATORS, FULL, _INHERIT),
    Ace(SYSTEM, FULL, _INHERIT),
    Ace(ADMINISTRATORS, FULL),
    Ace(CREATOR_OWNER, GENERIC_ALL, _INHERIT | ONLY_INHERIT),
    Ace(USERS, READ_EXECUTE, _INHERIT),
    Ace(USERS, _ADD_FOLDER, CONTAINER),
    Ace(USERS, _ADD_FILE, CONTAINER),
)
# Read and execute for users, and no right to add: folders that hold programs and configuration.
_CLOSED = (
    Ace(ADMINISTRATORS, FULL, _INHERIT),
    Ace(SYSTEM, FULL, _INHERIT),
    Ace(CREATOR_OWNER, GENERIC_ALL, _INHERIT | ONLY_INHERIT),
    Ace(USERS, READ_EXECUTE, _INHERIT),
)


def encode(owner: Sid, group: Sid, aces: Sequence[Ace], control: int = 0) -> bytes:
    """Return a self-relative descriptor with owner, group and DACL."""
    entries = b"".join(_ace(ace) for ace in aces)
    acl = struct.pack("<BBHHH", 2, 0, 8 + len(entries), len(aces), 0) + entries
    owner_sid, group_sid = _sid(owner), _sid(group)
    at = 20
    offsets = (at, at + len(owner_sid), 0, at + len(owner_sid) + len(group_sid))
    header = struct.pack("<BBH4I", 1, 0, _SELF_RELATIVE | _DACL_PRESENT | control, *offsets)
    return header + owner_sid + group_sid + acl


def _sid(sid: Sid) -> bytes:
    authority, parts = sid
    return (
        struct.pack("<BB", 1, len(parts))
        + authority.to_bytes(6, "big")
        + struct.pack(f"<{len(parts)}I", *parts)
    )


def _ace(ace: Ace) -> bytes:
    sid = _sid(ace.who)
    return struct.pack("<BBHI", 0, ace.flags, 8 + len(sid), ace.mask) + sid


def text(descriptor: bytes) -> str:
    """Return the form that stands in a layer."""
    return base64.b64encode(descriptor).decode()


def of_file(writable: bool) -> bytes:
    more = (Ace(IIS_IUSRS, MODIFY),) if writable else ()
    return encode(ADMINISTRATORS, SYSTEM, (*_FILE, *more))


def of_folder(writable: bool) -> bytes:
    more = (Ace(IIS_IUSRS, MODIFY, _INHERIT),) if writable else ()
    return encode(ADMINISTRATORS, SYSTEM, (*_FOLDER, *more))


def _of_windows(*more: Ace) -> bytes:
    """Folders that Windows' own setup makes: owned by TrustedInstaller, or what inherits from them."""
    inner = _INHERIT | ONLY_INHERIT
    aces = [
        *more,
        *(Ace(TRUSTED_INSTALLER, FULL), Ace(TRUSTED_INSTALLER, GENERIC_ALL, CONTAINER | ONLY_INHERIT)),
        *(Ace(SYSTEM, FULL), Ace(SYSTEM, GENERIC_ALL, inner)),
        *(Ace(ADMINISTRATORS, FULL), Ace(ADMINISTRATORS, GENERIC_ALL, inner)),
        *(Ace(USERS, READ_EXECUTE), Ace(USERS, GENERIC_READ_EXECUTE, inner)),
        Ace(CREATOR_OWNER, GENERIC_ALL, inner),
    ]
    return encode(TRUSTED_INSTALLER, TRUSTED_INSTALLER, aces, _DACL_PROTECTED)


# Folders that the bases have, folded. From the access lists that `icacls` prints on an installed server,
# published in many places and read from no image; the base's own layers are asked first.
KNOWN = {
    "inetpub": _of_windows(),
    "inetpub/wwwroot": _of_windows(
        Ace(IIS_IUSRS, READ_EXECUTE), Ace(IIS_IUSRS, GENERIC_READ_EXECUTE, _INHERIT | ONLY_INHERIT)
    ),
    "program files": _of_windows(),
    "program files (x86)": _of_windows(),
    "windows": _of_windows(),
    "windows/system32": _of_windows(),
    "windows/syswow64": _of_windows(),
    "windows/fonts": _of_windows(),
    "programdata": encode(SYSTEM, SYSTEM, _FOLDER, _DACL_PROTECTED),
}
CLOSED = encode(ADMINISTRATORS, SYSTEM, _CLOSED, _DACL_PROTECTED)
