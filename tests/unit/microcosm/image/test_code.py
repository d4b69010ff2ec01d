"""Facts of headers and metadata: width, framework, what is missing, what a container does not have.

Rows I6, I12, I13, S1, R1 to R5.
"""

import pytest

from microcosm.image.assemblies import read
from microcosm.image.findings import Level
from microcosm.image.inspect import Wanted
from tests.support.services import assembly, config, findings, names

SITE = {"web.config": config()}
X64 = 0x8664
REFERENCES = {"mscorlib": "4.0.0.0"}


def test_a_32_bit_site_gets_a_32_bit_pool_and_a_mix_is_refused():
    narrow, wide = assembly("bin/a.dll", required_32=True), assembly("bin/b.dll", machine=X64)
    assert "bitness" in names(findings(SITE, narrow), Level.TOLD)
    assert names(findings(SITE, narrow)) == []
    assert names(findings(SITE, narrow, wide)) == ["bitness-mix"]
    assert names(findings(SITE, narrow, assembly("bin/c.dll"))) == [], "AnyCPU goes with both"


def test_tools_in_other_folders_are_not_loaded_by_the_site():
    assert (
        names(findings(SITE, assembly("bin/a.dll", required_32=True), assembly("tools/b.exe", machine=X64)))
        == []
    )


def test_a_tool_in_bin_runs_in_a_process_of_its_own():
    tool, wide = assembly("bin/convert.exe", clr="", machine=0x14C), assembly("bin/a.dll", machine=X64)
    assert names(findings(SITE, wide, tool)) == []
    assert "bitness" not in names(findings(SITE, tool), Level.TOLD)
    referring = assembly("bin/a.dll", machine=X64, references={**REFERENCES, "convert": "1.0.0.0"})
    assert names(findings(SITE, referring, tool)) == ["bitness-mix"]


def test_libraries_for_both_processors_in_folders_of_their_own_are_no_mix():
    both = [
        assembly(f"bin/{bits}/SQLite.Interop.dll", clr="", machine=machine)
        for bits, machine in (("x86", 0x14C), ("x64", X64))
    ]
    assert (
        names(
            findings(
                SITE,
                assembly("bin/a.dll"),
                *both,
                assembly("bin/runtimes/win-arm64/native/b.dll", clr="", machine=0xAA64),
            )
        )
        == []
    )


def test_an_old_library_beside_new_ones_runs():
    old = assembly("bin/Ionic.Zip.dll", clr="v2.0.50727")
    assert names(findings(SITE, assembly("bin/site.dll"), old)) == []
    assert (
        names(
            findings(
                {"web.config": config("<system.web><compilation targetFramework='4.8'/></system.web>")}, old
            )
        )
        == []
    )


@pytest.mark.parametrize("library", ["MySql.Data", "WebGrease", "Npgsql", "NHibernate", "RabbitMQ.Client"])
def test_what_a_well_known_library_may_use_says_nothing_about_the_service(library):
    """The shape of cloudfoundry/hwc-buildpack b7e3ea4, fixtures/windows_app: findings on MySql.Data alone."""
    types = frozenset(
        {
            "System.Security.Cryptography.X509Certificates.X509Store",
            "System.Diagnostics.PerformanceCounter",
            "System.Transactions.TransactionScope",
        }
    )
    assert names(findings(SITE, assembly(f"bin/{library}.dll", types=types))) == []
    assert len(names(findings(SITE, assembly("bin/Shop.dll", types=types)))) == 3


def test_what_third_parties_refer_to_is_their_own_affair():
    assert names(findings(SITE, assembly("bin/Microsoft.Owin.dll", references={"Optional": "1.0.0.0"}))) == []


REFUSED = {
    "dotnet-35": assembly("bin/a.dll", clr="v2.0.50727"),
    "target-framework": assembly("bin/a.dll", target="4.8.1"),
    "msmq": assembly("bin/a.dll", types=frozenset({"System.Messaging.MessageQueue"})),
    "office": assembly("bin/a.dll", types=frozenset({"Microsoft.Office.Interop.Excel.Application"})),
    "gac-reference": assembly("bin/a.dll", references={"CrystalDecisions.Shared": "13.0.2000.0"}),
    "machine": assembly("bin/a.dll", machine=0xAA64),
    "dotnet-core": assembly("bin/a.dll", references={"System.Runtime": "8.0.0.0"}),
}
WARNED = {
    "gac-reference": assembly("bin/a.dll", references={"Firm.Common": "1.0.0.0"}),
    "native-library": assembly("bin/a.dll", modules=frozenset({"firm.dll"})),
    "com": assembly("bin/Interop.Firm.dll"),
    "transactions": assembly("bin/a.dll", types=frozenset({"System.Transactions.TransactionScope"})),
    "printing": assembly("bin/a.dll", types=frozenset({"System.Drawing.Printing.PrintDocument"})),
    "windows-forms": assembly("bin/a.dll", types=frozenset({"System.Windows.Forms.MessageBox"})),
    "performance-counter": assembly("bin/a.dll", types=frozenset({"System.Diagnostics.PerformanceCounter"})),
    "fonts": assembly("bin/a.dll", types=frozenset({"System.Drawing.Font"})),
    "certificate": assembly(
        "bin/a.dll", types=frozenset({"System.Security.Cryptography.X509Certificates.X509Store"})
    ),
    "drive-path": assembly("bin/a.dll", strings=("D:\\data\\in",)),
    "unc-path": assembly("bin/a.dll", strings=("\\\\files\\in", "\\\\.\\pipe\\a")),
}


@pytest.mark.parametrize(
    "facts",
    [
        {"names": frozenset({"Microsoft.Office.Interop.Excel"})},
        {"names": frozenset({"GetTypeFromProgID"}), "strings": ("Word.Application",)},
    ],
)
def test_office_is_found_without_a_reference_to_its_types(facts):
    assert names(findings(SITE, assembly("bin/a.dll", **facts))) == ["office"]


def test_an_object_made_by_its_com_name_is_warned_of():
    late = assembly("bin/a.dll", names=frozenset({"GetTypeFromProgID"}), strings=("Firm.Thing",))
    assert names(findings(SITE, late)) == ["com"]


def test_an_old_program_that_its_configuration_starts_on_the_new_runtime_runs():
    old = assembly("a.exe", clr="v2.0.50727")
    startup = config("<startup><supportedRuntime version='v4.0'/></startup>")
    assert names(findings({"a.exe.config": config()}, old)) == ["dotnet-35"]
    assert names(findings({"a.exe.config": startup}, old)) == []


def test_a_program_for_a_newer_framework_is_refused_by_the_file_beside_it():
    assert names(
        findings({"a.runtimeconfig.json": "{}"}, assembly("a.exe", clr="", machine=X64)), Level.REFUSED
    ) == ["dotnet-core"]


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_work_is_refused_by_name(name):
    assert names(findings(SITE, REFUSED[name]), Level.REFUSED) == [name]


@pytest.mark.parametrize("name", WARNED)
def test_what_may_fail_is_warned_of_by_name(name):
    assert names(findings(SITE, WARNED[name])) == [name]


def test_the_runtime_of_visual_c_is_named_with_its_fix():
    (found,) = [
        one
        for one in findings(SITE, assembly("bin/n.dll", clr="", imports=frozenset({"vcruntime140.dll"})))
        if one.level is Level.WARNED
    ]
    assert "Visual C++" in found.what


@pytest.mark.parametrize(
    "modules",
    [{"kernel32"}, {"KERNEL32.DLL"}, {"api-ms-win-crt-runtime-l1-1-0.dll"}, {"own.dll"}, {"winspool.drv"}],
)
def test_libraries_of_server_core_or_of_the_folder_are_there(modules):
    assert (
        names(findings({**SITE, "bin/own.dll": b""}, assembly("bin/a.dll", modules=frozenset(modules)))) == []
    )


def test_assemblies_of_the_framework_or_of_the_folder_are_there():
    references = {
        "System.Web": "4.0.0.0",
        "System.ServiceModel": "4.0.0.0",
        "Own": "1.0.0.0",
        "netstandard": "2.0.0.0",
        "System.Net.Http": "4.2.0.0",
    }
    assert names(findings(SITE, assembly("bin/a.dll", references=references), assembly("bin/Own.dll"))) == []


def test_a_damaged_library_is_named():
    from microcosm.image import inspect
    from microcosm.image.source import Source
    from microcosm.image.subject import Choices
    from tests.support.services import files_of

    one = inspect.subject(
        Source("folder", "s", files_of({**SITE, "bin/a.dll": b"MZ" + b"\0" * 200, "bin/b.dll": b""})),
        Wanted(),
        Choices(),
    )
    assert [found.where for found in inspect.findings(one) if found.name == "not-a-program"] == [
        "bin/a.dll",
        "bin/b.dll",
    ]


def test_a_native_library_is_read_from_its_header_alone():
    """The least that is a PE file:

    DOS header, COFF header of an i386 DLL, an optional header without directories.
    """
    header = bytearray(1024)
    header[0:2], header[60:64] = b"MZ", (64).to_bytes(4, "little")
    header[64:68] = b"PE\0\0"
    header[68:88] = b"\x4c\x01" + b"\0" * 14 + (96).to_bytes(2, "little") + b"\x02\x21"
    header[88:90] = b"\x0b\x01"
    found = read("n.dll", bytes(header))
    assert (found.managed, found.bits) == (False, 32)
