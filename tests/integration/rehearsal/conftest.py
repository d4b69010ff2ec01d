"""Fixtures for a fake AWS in this process. moto is imported only on use, because the import takes seconds."""

from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def machines(tmp_path_factory) -> Path:
    """Return the folder of the consoles and reboot requests of the fake cloud's instances."""
    return tmp_path_factory.mktemp("machines")


@pytest.fixture(scope="module")
def session(machines):
    from tests.support.fake_aws import fake_aws

    with fake_aws(machines) as session:
        yield session


@pytest.fixture(scope="module")
def ec2(session):
    return session.client("ec2")


@pytest.fixture
def network(ec2):
    from tests.support.small_network import Network

    return Network(ec2)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    """Serve the fake cloud in a thread of this process."""
    from tests.support.fake_aws import served_aws

    state = tmp_path_factory.mktemp("cloud")
    (state / "machines").mkdir()
    with served_aws(state / "machines") as cloud:
        yield cloud


@pytest.fixture(scope="module")
def served_session(cloud):
    """Return a boto3 session with the operator's keys for the served cloud."""
    import boto3

    keys = cloud.environment()
    return boto3.Session(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], region_name=cloud.region)
