"""The Windows script in S3: what is staged is what the machines expect."""

import hashlib

from infra.node import userdata
from tests.support.engine import plain
from tests.support.stacks import deployed

OBJECT, BUCKET, INSTANCE = (
    "aws:s3/bucketObjectv2:BucketObjectv2",
    "aws:s3/bucket:Bucket",
    "aws:ec2/instance:Instance",
)


def test_the_staged_object_is_the_script_whose_sum_is_in_the_user_data():
    """A machine refuses another one; the sum travels where nobody but EC2's own permissions can change it."""
    found = deployed("many-pools", "up")
    (script,) = found.of(OBJECT)
    assert plain(script.inputs["content"]) == userdata.windows_script()
    digest = hashlib.sha256(plain(script.inputs["content"]).encode()).hexdigest()
    windows = [plain(m.inputs["userData"]) for m in found.of(INSTANCE) if "userData" in m.inputs]
    assert len(windows) == 3
    for text in windows:
        assert f"$ScriptSha256 = '{digest}'" in text
        assert f"$ScriptKey = '{script.inputs['key']}'" in text
        assert "$ScriptBucket = 'dev-scripts-bucket'" in text


def test_the_key_holds_the_sum():
    """A machine that boots while the script changes still finds its own."""
    (script,) = deployed("committed", "up").of(OBJECT)
    digest = hashlib.sha256(userdata.windows_script().encode()).hexdigest()
    assert script.inputs["key"] == f"windows-node-{digest[:12]}.ps1"


def test_machines_wait_for_their_script():
    found = deployed("committed", "up")
    (script,) = found.of(OBJECT)
    assert script.urn in found.one(INSTANCE, "dev-windows-0").dependencies
    assert script.urn not in found.one(INSTANCE, "dev-linux-0").dependencies


def test_a_stack_without_windows_has_no_bucket():
    found = deployed("no-windows", "up")
    assert found.of(BUCKET) == found.of(OBJECT) == []


def test_nothing_of_the_bucket_is_public():
    """S3 keeps a new bucket private by itself; nothing may undo that."""
    found = deployed("committed", "up")
    assert {r.type for r in found.registrations.values() if r.type.startswith("aws:s3/")} == {BUCKET, OBJECT}
    assert not {"acl", "policy", "website"} & (
        found.of(BUCKET)[0].inputs.keys() | found.of(OBJECT)[0].inputs.keys()
    )
