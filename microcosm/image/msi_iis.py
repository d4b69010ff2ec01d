"""Sites, applications and virtual folders that an MSI of WiX makes in IIS, and what has no counterpart here.

Tables and columns: wixtoolset/wix 3a4dffe, src/ext/Iis/wixext/IisTableDefinitions.cs. WiX 3 has the same
tables without `Wix4`.
"""

from collections.abc import Iterator
from typing import Any

from .findings import Finding, refused, told, warned
from .msi import Package
from .msi_folders import windows
from .msi_tables import Row

_PREFIXES = ("", "Wix4")
_REFUSED = {
    "IIsFilter": "an ISAPI filter",
    "IIsWebServiceExtension": "an ISAPI or CGI extension",
    "IIsWebApplicationExtension": "a mapping of an extension to a program",
}
_LEFT = {
    "IIsMimeMap": "MIME types",
    "IIsHttpHeader": "HTTP headers",
    "IIsWebError": "error pages",
    "IIsWebDirProperties": "rights and logins of folders",
}


def _rows(msi: Package, table: str) -> Iterator[Row]:
    """Yield the rows of a table whose component is installed; a row without a component always counts."""
    for prefix in _PREFIXES:
        for row in msi.database.rows(f"{prefix}{table}"):
            if row.get("Component_") is None or row["Component_"] in msi.components:
                yield row


def _sites(msi: Package) -> list[Row]:
    """Return the sites that the MSI makes; one without a component is a site that is already there."""
    made = [row for row in _rows(msi, "IIsWebSite") if row.get("Component_") and row.get("Directory_")]
    return sorted(made, key=lambda row: int(row.get("Sequence") or 0))


def _folder(msi: Package, row: Row) -> str:
    return msi.folders.get(str(row["Directory_"]), "")


def site_folder(msi: Package) -> str | None:
    """Return the root of the site that the MSI makes, by its path below C:."""
    sites = _sites(msi)
    return _folder(msi, sites[0]) if sites else None


def _below(msi: Package, is_application: bool) -> list[dict[str, str]]:
    found = list[dict[str, str]]()
    for row in _rows(msi, "IIsWebVirtualDir"):
        path = "/" + msi.text(row["Alias"]).strip("/")
        if path != "/" and bool(row.get("Application_")) is is_application:
            found.append({"path": path, "folder": windows(_folder(msi, row))})
    return found


def applications(msi: Package) -> list[dict[str, str]]:
    """Return the applications below the site: path and folder."""
    return _below(msi, True)


def folders(msi: Package) -> list[dict[str, str]]:
    """Return the virtual folders that are no applications: path and folder."""
    return _below(msi, False)


def path_of(msi: Package, place: str) -> str:
    """Return the path at which IIS serves the folder: `/`, or that of its application."""
    if site_folder(msi) is not None:
        return "/"
    wanted = windows(place).lower()
    return next((one["path"] for one in applications(msi) if one["folder"].lower() == wanted), "/")


def is_classic(msi: Package) -> bool:
    modes = [str(row.get("ManagedPipelineMode") or "").lower() for row in _rows(msi, "IIsAppPool")]
    return "classic" in modes


def check(msi: Package) -> Iterator[Finding]:
    yield from _pools(msi)
    yield from _addresses(msi)
    for site in _sites(msi)[1:]:
        where, what = msi.text(site.get("Description")), "a second site, and the container serves one"
        yield refused("msi-sites", where, what, "build an image for each site")
    for table, what in _REFUSED.items():
        row = next(_rows(msi, table), None)
        if row:
            fix = "make an own base that has it"
            yield refused("msi-iis", f"table {table}", f"the MSI adds {what} to IIS", fix)
    for table, what in _LEFT.items():
        if any(_rows(msi, table)):
            fix = "write them into web.config"
            yield warned("msi-iis-left", f"table {table}", f"left out: {what} of the site", fix)


def _pools(msi: Package) -> Iterator[Finding]:
    for row in _rows(msi, "IIsAppPool"):
        where = f"pool {msi.text(row['Name'])}"
        version = str(row.get("ManagedRuntimeVersion") or "")
        if version.lower().startswith("v2"):
            what = f"its application pool runs CLR {version}, which the base images do not have"
            yield refused("dotnet-35", where, what, "build the service for .NET 4.8")
        if row.get("User_"):
            what = "it was to run as a user of its own; here it runs as the pool's identity"
            yield warned("msi-account", where, what, "give that identity the rights at what it uses")


def _addresses(msi: Package) -> Iterator[Finding]:
    for row in _rows(msi, "IIsWebAddress"):
        port, facts = msi.text(row["Port"]), list[str]()
        facts += [f"port {port}"] if port not in ("80", "") else []
        facts += ["a host name"] if row.get("Header") else []
        facts += ["TLS"] if row.get("Secure") else []
        if facts:
            where = f"address {row['Address']}"
            what = f"the site was to listen with {' and '.join(facts)}; here it is port 80 under every name"
            yield told("msi-binding", where, f"{what}, and the ingress does the rest")


def facts(msi: Package | None, place: str) -> dict[str, Any]:
    """Return what the start script does in IIS for an MSI: path of the service, applications and folders."""
    if msi is None:
        return {"root": "/", "applications": [], "folders": []}
    return {"root": path_of(msi, place), "applications": applications(msi), "folders": folders(msi)}
