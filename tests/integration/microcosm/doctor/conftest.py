"""Accounts with what a stack needs of them."""

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from rehearsal.fake_aws.moto_patches import images

from ..conftest import REGION, Cloud
from .patient import ACCOUNT, CURVE


@pytest.fixture(scope="module")
def rsa_public() -> bytes:
    """The public half of an RSA key pair."""
    key = generate_private_key(65537, 1024).public_key()
    return key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)


@pytest.fixture
def keys(cloud: Cloud, rsa_public: bytes) -> Cloud:
    """An account with a key pair of each kind."""
    cloud.client("ec2").import_key_pair(KeyName="ops", PublicKeyMaterial=rsa_public)
    cloud.client("ec2").import_key_pair(KeyName="curve", PublicKeyMaterial=CURVE)
    return cloud


@pytest.fixture
def bucket(cloud: Cloud) -> Cloud:
    """An account with a bucket for the state."""
    cloud.client("s3").create_bucket(Bucket="state", CreateBucketConfiguration={"LocationConstraint": REGION})
    return cloud


@pytest.fixture
def published(cloud: Cloud) -> Cloud:
    """An account that sees the images of AWS and Canonical."""
    images.publish(REGION, ACCOUNT)
    return cloud


@pytest.fixture
def account(keys: Cloud, bucket: Cloud, published: Cloud) -> Cloud:
    """An account with all of it."""
    return published
