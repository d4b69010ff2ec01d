"""Read the files of the workloads, which a ConfigMap carries into their pods."""

from pathlib import Path

from .config import address_plan

FILES = Path(__file__).resolve().parent.parent / "workloads"
CLUSTER_DNS_TOKEN = "__CLUSTER_DNS__"  # noqa: S105 - a place in nginx.conf, not a password


def page_files() -> dict[str, str]:
    """Read the files that nginx serves."""
    return _files("widgets", "index.html", "style.css", "app.js", "favicon.svg")


def nginx_files(service_cidr: str) -> dict[str, str]:
    """nginx's configuration, with the cluster's DNS address in its place."""
    files = _files("widgets", "nginx.conf")
    return {
        name: text.replace(CLUSTER_DNS_TOKEN, address_plan.dns_service_ip(service_cidr))
        for name, text in files.items()
    }


def ccauth_files() -> dict[str, str]:
    """CCAuth's source, which the published WCF image compiles and serves."""
    return _files("ccauth", "CCAuth.cs", "ccauth.svc", "web.config", "start.ps1")


def _files(workload: str, *names: str) -> dict[str, str]:
    return {name: (FILES / workload / name).read_text() for name in names}
