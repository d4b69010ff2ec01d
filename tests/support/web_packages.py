"""Packages of Web Deploy in the layout that msbuild writes: the scope of a parameter is the path on the
machine that built it.
"""

import zipfile
from collections.abc import Mapping
from pathlib import Path

FOLDER = "Content/C_C/src/shop/obj/Release/Package/PackageTmp"
CONNECTION = "Main-Web.config Connection String"
TOKEN = f"$(ReplacableToken_{CONNECTION}_0)"
# As `msbuild /t:Package` writes them, microsoft/azure-pipelines-tasks issue 1644.
SCOPE = r"obj\\Release\\Package\\PackageTmp\\Web\.config$"
_CONNECTION = "/configuration/connectionStrings/add[@name='Main']/@connectionString"
_APPLICATION = (
    "<parameter name='IIS Web Application Name' defaultValue='Default Web Site/shop'>"
    "<parameterEntry kind='ProviderPath' scope='IisApp' match='^C:\\\\src$'/></parameter>"
)


def parameter(
    name: str, match: str, scope: str = SCOPE, kind: str = "XmlFile", default: str | None = None
) -> str:
    given = "" if default is None else f" defaultValue='{default}'"
    return (
        f'<parameter name="{name}"{given}><parameterEntry kind="{kind}" scope="{scope}" '
        f'match="{match}"/></parameter>'
    )


def package(
    path: Path, site: Mapping[str, str | bytes], *more: str, archive: str = "<sitemanifest/>"
) -> Path:
    parameters = [parameter(CONNECTION, _CONNECTION), _APPLICATION, *more]
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("archive.xml", archive)
        made.writestr("systemInfo.xml", "<systemInfo/>")
        made.writestr("parameters.xml", f"<parameters>{''.join(parameters)}</parameters>")
        for name, data in site.items():
            made.writestr(f"{FOLDER}/{name}", data)
    return path
