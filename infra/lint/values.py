"""Reading of untyped objects.

A manifest is anything that YAML can hold: what is not of the expected type counts as not there.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, cast

Object = Mapping[Any, Any]

# k8s.io/apimachinery pkg/api/resource/quantity.go; longer numbers than these are no amount of memory.
_QUANTITY = re.compile(r"([0-9]{1,30}(?:\.[0-9]{0,30})?)([KMGTPE]i|[numkMGTPE]|[eE][0-9]{1,2})?", re.ASCII)
_BINARY = {f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", start=1)}
_DECIMAL = {
    letter: Decimal(1000) ** power
    for power, letter in zip((-3, -2, -1, 1, 2, 3, 4, 5, 6), "numkMGTPE", strict=True)
}
_PERCENT = re.compile(r"[0-9]{1,6}%", re.ASCII)


def mapping(value: Any) -> Object:
    """The value if it is a mapping, otherwise an empty one."""
    return cast(Object, value) if isinstance(value, Mapping) else {}


def items(value: Any) -> Sequence[Any]:
    """The value if it is a list, otherwise an empty one."""
    return cast(Sequence[Any], value) if isinstance(value, list | tuple) else ()


def mappings(value: Any) -> list[Object]:
    """The mappings of a list."""
    return [cast(Object, item) for item in items(value) if isinstance(item, Mapping)]


def texts(value: Any) -> tuple[str, ...]:
    """The texts of a list."""
    return tuple(item for item in items(value) if isinstance(item, str))


def text(value: Any) -> str:
    """The value if it is a text, otherwise an empty one."""
    return value if isinstance(value, str) else ""


def number(value: Any, default: int) -> int:
    """The value if it is a whole number as Kubernetes counts (0 to 2^31 - 1), otherwise the default."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else default


def dig(value: Any, *path: str) -> Any:
    """Return the value at the end of a path of keys, or None."""
    for key in path:
        value = mapping(value).get(key)
    return value


def labels(value: Any) -> dict[str, str]:
    """The pairs of texts of a mapping."""
    return {
        key: item for key, item in mapping(value).items() if isinstance(key, str) and isinstance(item, str)
    }


def quantity(value: Any) -> Decimal | None:
    """An amount as Kubernetes writes it (500m, 1Gi, 1e3, 2), or None."""
    written = str(value) if isinstance(value, float) or number(value, -1) >= 0 else text(value)
    match = _QUANTITY.fullmatch(written)
    if match is None:
        return None
    digits, suffix = match[1], match[2] or ""
    if suffix[:1] in {"e", "E"} and len(suffix) > 1 and suffix != "Ei":
        return Decimal(digits).scaleb(int(suffix[1:]))
    return Decimal(digits) * (_BINARY | _DECIMAL).get(suffix, Decimal(1))


def scaled(value: Any, total: int, *, round_up: bool, default: str) -> int:
    """A number or a percentage of the total, as k8s.io/apimachinery pkg/util/intstr reads it."""
    if number(value, -1) >= 0:
        return number(value, 0)
    share = value if _PERCENT.fullmatch(text(value)) else default
    hundredths = int(share.removesuffix("%")) * total
    return -(-hundredths // 100) if round_up else hundredths // 100


def sctp_ports(ports: Any, key: str) -> str:
    """List the ports of SCTP, by the number under this key."""
    return ", ".join(str(port.get(key)) for port in mappings(ports) if port.get("protocol") == "SCTP")
