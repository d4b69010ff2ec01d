"""Look up this computer's public address."""

import re

import urllib3

from .errors import OperatorError

# A service of AWS; it answers with the address that the request came from.
SERVICE = "https://checkip.amazonaws.com"
TIMEOUT_SECONDS = 10.0
_IPV4 = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){3}", re.ASCII)


def look_up(service: str = SERVICE) -> str:
    """Return the public IPv4 address; OperatorError if the service does not answer with one."""
    try:
        answer = urllib3.PoolManager(retries=False, timeout=TIMEOUT_SECONDS).request("GET", service)
    except urllib3.exceptions.HTTPError as problem:
        raise OperatorError(f"{service} does not answer ({type(problem).__name__})") from problem
    address = answer.data[:64].decode("ascii", "replace").strip()
    if not _IPV4.fullmatch(address):
        raise OperatorError(f"{service} answered {address!r}, not an IPv4 address")
    return address
