"""The part of web.config that WCF reads, read by a WCF:

Mono's plain ServiceHost, told nothing but the class.
"""

import http.client
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.unit.workloads import CCAUTH
from tests.unit.workloads.servers import free_port, listening

pytestmark = pytest.mark.machine

PLAIN_HOST = """
public static class PlainHost
{
    public static void Main(string[] args)
    {
        new System.ServiceModel.ServiceHost(typeof(Microcosm.CCAuth), new System.Uri(args[0])).Open();
        System.Threading.Thread.Sleep(-1);
    }
}
"""


def test_the_endpoint_and_its_behavior_come_from_the_configuration_alone(tmp_path: Path):
    program, port = tmp_path / "host.exe", free_port()
    (tmp_path / "host.cs").write_text(PLAIN_HOST)
    (tmp_path / "host.exe.config").write_bytes(service_model())
    sources = [str(tmp_path / "host.cs"), str(CCAUTH / "CCAuth.cs")]
    subprocess.run(
        ["mcs", f"-out:{program}", "-r:System.ServiceModel", "-r:System.ServiceModel.Web", *sources],
        check=True,
    )
    with listening(
        ["mono", str(program), f"http://127.0.0.1:{port}/ccauth.svc"], tmp_path / "log", "127.0.0.1", port
    ):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", "/ccauth.svc/authorize?ccNum=9&amount=1")
            response = connection.getresponse()
            assert (response.status, response.read()) == (200, b'"Declined"'), (
                "SOAP would have answered something else"
            )
        finally:
            connection.close()


def service_model() -> bytes:
    """web.config without what only ASP.NET and IIS read."""
    root = ElementTree.parse(CCAUTH / "web.config").getroot()
    for section in [section for section in root if section.tag != "system.serviceModel"]:
        root.remove(section)
    return ElementTree.tostring(root)
