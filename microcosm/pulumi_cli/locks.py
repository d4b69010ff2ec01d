"""Read the owner of a stack's lock from a self-managed backend of Pulumi.

Pulumi itself names the owner only when it refuses to work, and a repair must know it before it changes the
state. The layout is that of pulumi/pulumi v3.260.0, pkg/backend/diy/lock.go:
`.pulumi/locks/organization/<project>/<stack>/<id>.json`. Backends other than S3 and a folder are not read.
"""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, urlsplit

import boto3

from ..preview.stack import LockOwner


def read_lock_owners(backend: str, project: str, stack: str) -> list[LockOwner]:
    """Return the owners, the oldest first; none for a backend that cannot be read."""
    place = urlsplit(backend)
    reader = READERS.get(place.scheme)
    folder = f".pulumi/locks/organization/{project}/{stack}"
    lock_owners = [_lock_owner(text) for text in reader(place, folder)] if reader else []
    return sorted(lock_owners, key=lambda lock_owner: lock_owner.since)


def _lock_owner(text: str) -> LockOwner:
    content = json.loads(text)
    since = datetime.fromisoformat(content["timestamp"])
    return LockOwner(user=content["username"], host=content["hostname"], pid=int(content["pid"]), since=since)


def _in_folder(place: SplitResult, folder: str) -> Iterator[str]:
    # Pulumi expands file://~ to the home folder.
    root = Path(place.netloc + place.path).expanduser()
    for path in sorted((root / folder).glob("*.json")):
        yield path.read_text(encoding="utf-8")


def _in_bucket(place: SplitResult, folder: str) -> Iterator[str]:
    options = {key: values[-1] for key, values in parse_qs(place.query).items()}
    endpoint = options.get("endpoint")
    if endpoint and "://" not in endpoint:
        endpoint = f"{'http' if options.get('disableSSL') == 'true' else 'https'}://{endpoint}"
    s3 = boto3.Session(profile_name=options.get("profile"), region_name=options.get("region")).client(
        "s3", endpoint_url=endpoint
    )
    prefix = f"{place.path.strip('/')}/{folder}/".lstrip("/")
    for entry in s3.list_objects_v2(Bucket=place.netloc, Prefix=prefix).get("Contents", ()):
        yield s3.get_object(Bucket=place.netloc, Key=entry["Key"])["Body"].read().decode()


READERS: dict[str, Callable[[SplitResult, str], Iterator[str]]] = {"file": _in_folder, "s3": _in_bucket}
