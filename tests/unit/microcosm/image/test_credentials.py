"""Logins: what docker wrote, its helpers, and ECR (moto). Served: moto takes seconds to import."""

import base64
import json

import pytest
from moto import mock_aws

from microcosm.errors import OperatorError
from microcosm.image import credentials

ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"


@pytest.fixture
def docker(tmp_path, monkeypatch):
    """Write a configuration of docker, and put helpers on PATH."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    def write(**config: object) -> None:
        (tmp_path / "config.json").write_text(json.dumps(config))

    def helper(name: str, script: str) -> None:
        path = tmp_path / f"docker-credential-{name}"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    write.helper = helper
    return write


def auth(text: str) -> dict[str, str]:
    return {"auth": base64.b64encode(text.encode()).decode()}


def test_a_written_login_is_found_under_the_names_that_docker_gives_it(docker):
    docker(auths={"https://index.docker.io/v1/": auth("hub:a:b"), "reg.example:5000": auth("user:secret")})
    assert credentials.find("docker.io") == ("hub", "a:b")
    assert credentials.find("reg.example:5000") == ("user", "secret")
    assert credentials.find("other.example") is None


def test_helpers_are_asked_for_a_registry_of_theirs_and_for_all(docker):
    answer = """cat > /dev/null; echo '{"Username": "%s", "Secret": "s3cret"}'"""
    docker.helper("one", answer % "one")
    docker.helper("all", answer % "all")
    docker(credHelpers={"reg.example": "one"}, credsStore="all")
    assert credentials.find("reg.example") == ("one", "s3cret")
    assert credentials.find("other.example") == ("all", "s3cret")


@pytest.mark.parametrize(("script", "sentence"), [("exit 1", None), ("echo no json", "gave no answer")])
def test_a_helper_that_knows_nothing_is_no_error_and_a_broken_one_is(script, sentence, docker):
    docker.helper("own", f"cat > /dev/null; {script}")
    docker(credHelpers={"reg.example": "own"})
    if sentence is None:
        assert credentials.find("reg.example") is None
        return
    with pytest.raises(OperatorError, match=sentence):
        credentials.find("reg.example")


def test_what_is_missing_or_broken_is_one_sentence(docker, tmp_path):
    docker(credHelpers={"reg.example": "absent"})
    with pytest.raises(OperatorError, match="docker-credential-absent is named in docker's config"):
        credentials.find("reg.example")
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(OperatorError, match="not readable as JSON"):
        credentials.find("reg.example")


def test_ecr_gives_a_login_to_the_aws_credentials_that_are_there(docker, monkeypatch):
    docker()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        user, password = credentials.find(ECR) or ("", "")
    assert user == "AWS"
    assert password
    docker(auths={ECR: auth("own:login")})
    assert credentials.find(ECR) == ("own", "login"), "what docker was logged in to wins"


def test_without_aws_credentials_the_sentence_says_which_right_is_needed(docker, monkeypatch):
    docker()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(OperatorError, match="ecr:GetAuthorizationToken"):
        credentials.find(ECR)
