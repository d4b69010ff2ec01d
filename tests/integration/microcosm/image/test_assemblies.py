"""The reader of headers over what Mono's compiler writes. Served: each assembly takes a second."""

import shutil
import subprocess

import pytest

from microcosm.image import inspect
from microcosm.image.assemblies import read
from microcosm.image.inspect import Wanted
from microcosm.image.kinds import Kind
from microcosm.image.source import read as read_source
from microcosm.image.subject import Choices

pytestmark = pytest.mark.skipif(not shutil.which("mcs"), reason="Debian's mono-mcs is needed: mcs not found")
TARGET = '[assembly: System.Runtime.Versioning.TargetFramework(".NETFramework,Version=v4.8")]'
PROGRAM = f"""using System; using System.Runtime.InteropServices; {TARGET}
class Program {{
  [DllImport("firm.dll")] static extern int Answer();
  static void Main() {{ Answer(); Console.WriteLine(@"D:\\data\\in" + DateTime.Now); Console.ReadLine(); }}
}}"""
# Mono has no System.ServiceProcess; its shape is enough for a reference to it.
SERVICE_BASE = (
    "namespace System.ServiceProcess { public class ServiceBase { protected virtual void "
    "OnStart(string[] a) {} } }"
)
SERVICE = (
    "class S : System.ServiceProcess.ServiceBase { protected override void OnStart(string[] a) {} "
    "static void Main() { new S(); } }"
)


def compiled(folder, name: str, source: str, *options: str):
    (folder / "source.cs").write_text(source)
    subprocess.run(
        ["mcs", f"-out:{name}", *options, "source.cs"], cwd=folder, check=True, capture_output=True
    )
    (folder / "source.cs").unlink()
    return folder / name


@pytest.mark.parametrize(
    ("platform", "bits"), [("x86", 32), ("x64", 64), ("anycpu", None), ("anycpu32bitpreferred", None)]
)
def test_width_runtime_and_target_are_those_that_the_compiler_was_asked_for(platform, bits, tmp_path):
    found = read("a.exe", compiled(tmp_path, "a.exe", PROGRAM, f"-platform:{platform}").read_bytes())
    assert (found.bits, found.clr, found.target) == (bits, "v4.0.30319", "4.8")


def test_what_a_program_uses_is_found_in_its_metadata(tmp_path):
    found = read("a.exe", compiled(tmp_path, "a.exe", PROGRAM).read_bytes())
    assert found.modules == {"firm.dll"}
    assert found.members == {"System.Console.ReadLine"}
    assert "D:\\data\\in" in found.strings
    assert set(found.references) == {"mscorlib"}
    assert "get_Now" in found.names


def test_a_service_is_recognised_from_its_files(tmp_path):
    compiled(tmp_path, "System.ServiceProcess.dll", SERVICE_BASE, "-target:library")
    compiled(tmp_path, "shop.exe", SERVICE, "-r:System.ServiceProcess.dll")
    recognised = inspect.subject(read_source(tmp_path), Wanted(), Choices())
    assert (recognised.kind, recognised.program) == (Kind.SERVICE, "shop.exe")
