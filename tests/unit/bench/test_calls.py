"""Counting AWS calls on their way to a cloud."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from bench.calls import action_of

SIGNED = (
    "AWS4-HMAC-SHA256 Credential=AKIA/20261125/eu-west-1/{}/aws4_request, SignedHeaders=host, Signature=0"
)


@pytest.mark.parametrize(
    ("service", "headers", "body", "action"),
    [
        ("ssm", {"x-amz-target": "AmazonSSM.PutParameter"}, b"{}", "ssm:PutParameter"),
        ("ec2", {}, b"Action=RunInstances&Version=2016-11-15", "ec2:RunInstances"),
    ],
)
def test_an_action_is_told_by_its_protocol(service, headers, body, action):
    assert action_of("POST", "/", {"authorization": SIGNED.format(service), **headers}, body) == action


@pytest.mark.parametrize(
    ("path", "action"),
    [
        ("/scripts-1a2b3c4/key", "s3:PUT"),
        ("/state/.pulumi/stacks/dev.json", "state:PUT"),
        ("/state?prefix=a", "state:PUT"),
    ],
)
def test_the_engines_own_state_is_told_apart(path, action):
    assert action_of("PUT", path, {"authorization": SIGNED.format("s3")}, b"content") == action


class Echo(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(418)
        self.send_header("X-Path", self.path)
        self.end_headers()
        self.wfile.write(body[::-1])

    def log_message(self, format, *args):
        pass


@pytest.fixture
def cloud():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
