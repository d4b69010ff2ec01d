"""The workloads as files: they fit a ConfigMap, parse, agree with one another, and the page needs nothing
from elsewhere.
"""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from rehearsal.windows_node.ccauth_host import host
from tests.unit.workloads import CCAUTH, WIDGETS

CONFIG_MAP_KEY = re.compile(r"[-._a-zA-Z0-9]+")
CONFIG_MAP_LIMIT = 1024 * 1024
STATIC = ["index.html", "style.css", "app.js", "favicon.svg"]
SHIPPED = [*(CCAUTH / name for name in ["CCAuth.cs", "ccauth.svc", "web.config", "start.ps1"])]
SHIPPED += [WIDGETS / name for name in [*STATIC, "nginx.conf"]]


@pytest.mark.parametrize("folder", [CCAUTH, WIDGETS], ids=lambda folder: folder.name)
def test_a_workload_is_a_flat_folder_of_text_that_fits_one_config_map(folder: Path):
    files = list(folder.iterdir())
    assert all(file.is_file() and CONFIG_MAP_KEY.fullmatch(file.name) for file in files), (
        "a ConfigMap has keys, not folders"
    )
    assert sum(len(file.read_text(encoding="utf-8").encode()) for file in files) < CONFIG_MAP_LIMIT


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.name)
def test_lines_end_as_on_linux_and_hold_no_tab(file: Path):
    assert b"\r" not in file.read_bytes()
    assert b"\t" not in file.read_bytes()


def test_start_copies_every_file_that_the_site_is_made_of():
    script = (CCAUTH / "start.ps1").read_text()
    layout = dict(re.findall(r"^    '([^']+)' += '([^']+)'$", script, re.MULTILINE))
    assert layout == {
        "CCAuth.cs": r"App_Code\CCAuth.cs",
        "ccauth.svc": "ccauth.svc",
        "web.config": "web.config",
    }


def test_no_card_number_reaches_an_iis_log_in_either_way_of_running():
    for name in ["start.ps1", "Dockerfile"]:
        fields = re.search(r"(Date,Time,[A-Za-z,0-9]+)", (CCAUTH / name).read_text())
        assert fields is not None, f"{name} sets no log fields, and the default ones hold the query"
        assert "UriQuery" not in fields[1].split(",")


# ---- the service's declaration


def test_the_svc_file_names_the_class_that_the_source_defines():
    service = re.search(r'Service="([^"]+)"', (CCAUTH / "ccauth.svc").read_text())
    assert service is not None
    assert service[1] in _types("class")


def test_the_web_config_exposes_that_class_through_its_contract_as_json():
    config = ElementTree.parse(CCAUTH / "web.config").getroot()
    service = config.find("./system.serviceModel/services/service")
    endpoint = config.find("./system.serviceModel/services/service/endpoint")
    assert service is not None
    assert endpoint is not None
    assert service.get("name") in _types("class")
    assert endpoint.get("contract") in _types("interface")
    assert endpoint.get("binding") == "webHttpBinding"
    behavior = config.find(
        f".//endpointBehaviors/behavior[@name='{endpoint.get('behaviorConfiguration')}']/webHttp"
    )
    assert behavior is not None, "without webHttp the endpoint speaks SOAP"


@pytest.mark.parametrize(
    ("path", "attribute", "value"),
    [
        ("./system.web/compilation", "debug", "false"),
        ("./system.web/customErrors", "mode", "On"),
        (".//serviceDebug", "includeExceptionDetailInFaults", "false"),
        (".//serviceDebug", "httpHelpPageEnabled", "false"),
        (".//serviceMetadata", "httpGetEnabled", "false"),
        (".//httpErrors", "existingResponse", "PassThrough"),
    ],
)
def test_the_web_config_tells_a_caller_nothing_about_the_server(path: str, attribute: str, value: str):
    element = ElementTree.parse(CCAUTH / "web.config").getroot().find(path)
    assert element is not None
    assert element.get(attribute) == value


def test_log_monitor_reads_the_iis_log_but_no_event_source_that_carries_queries():
    sources = json.loads((CCAUTH / "LogMonitorConfig.json").read_text())["LogConfig"]["sources"]
    assert {source["type"] for source in sources} == {"EventLog", "File"}, (
        "the ETW source of IIS has the whole URL"
    )


def test_a_missing_compiler_says_which_package_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(host.CompileError, match="apt-get install mono-mcs"):
        host.build(CCAUTH / "CCAuth.cs", tmp_path)


def _types(kind: str) -> set[str]:
    source = (CCAUTH / "CCAuth.cs").read_text()
    namespace = re.search(r"^namespace (\w+)", source, re.MULTILINE)
    assert namespace is not None
    return {f"{namespace[1]}.{name}" for name in re.findall(rf"public {kind} (\w+)", source)}


# ---- the page


class Links(HTMLParser):
    """The files that a page loads, and what a strict policy would forbid in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.files: set[str] = set()
        self.inline: list[str] = []
        self.ids: list[str] = []
        self.referred: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.files |= {given[name] for name in ("src", "href") if name in given}
        self.inline += [f"{tag} {name}" for name in given if name == "style" or name.startswith("on")]
        self.inline += [tag] if tag == "style" or (tag == "script" and "src" not in given) else []
        self.ids += [given["id"]] if "id" in given else []
        self.referred |= {given[name] for name in ("for", "aria-labelledby") if name in given}


@pytest.fixture
def page() -> Links:
    return Links((WIDGETS / "index.html").read_text())


def test_the_page_loads_files_of_its_own_folder_and_nothing_else(page: Links):
    assert page.files == set(STATIC) - {"index.html"}
    for name in STATIC:
        hosts = re.findall(r"https?://[^\s\"'<>]+|url\(", (WIDGETS / name).read_text())
        assert [host for host in hosts if host != "http://www.w3.org/2000/svg"] == [], f"{name} reaches out"


def test_the_page_has_nothing_inline_because_the_policy_forbids_it(page: Links):
    assert page.inline == []


def test_every_label_names_a_field_and_no_id_is_given_twice(page: Links):
    assert page.referred <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))


def test_the_policy_allows_what_the_page_uses_and_no_more():
    nginx = (WIDGETS / "nginx.conf").read_text()
    assert 'Content-Security-Policy "$fetch_policy; $document_policy" always' in nginx
    parts = re.findall(r'map "" \$(?:fetch|document)_policy \{\s+default "([^"]+)"', nginx)
    rules = dict(rule.strip().split(" ", 1) for rule in ";".join(parts).split(";"))
    assert rules.pop("default-src") == "'none'"
    assert {name for name, value in rules.items() if value == "'self'"} == {
        "script-src",
        "style-src",
        "img-src",
        "connect-src",
    }
    assert set(rules.values()) == {"'self'", "'none'"}


def test_the_script_finds_every_element_it_asks_for(page: Links):
    script = (WIDGETS / "app.js").read_text()
    asked = set(re.findall(r'getElementById\("([^"]+)"\)', script))
    assert asked
    assert asked <= set(page.ids)


def test_prices_shown_are_prices_charged():
    shelf = (WIDGETS / "index.html").read_text()
    cents = [int(value) for value in re.findall(r'data-cents="(\d+)"', shelf)]
    shown = [int(re.sub(r"[$,.]", "", value)) for value in re.findall(r'class="price">([^<]+)<', shelf)]
    assert cents == shown
    assert len(cents) == 6


# ---- nginx


def test_the_cluster_dns_is_the_one_thing_that_is_filled_in():
    text = (WIDGETS / "nginx.conf").read_text()
    directives = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    assert re.findall(r"__[A-Z_]+__", directives) == ["__CLUSTER_DNS__"]


def test_nginx_writes_below_tmp_only_and_needs_no_user():
    text = (WIDGETS / "nginx.conf").read_text()
    written = re.findall(r"^\s*(?:pid|\w+_temp_path)\s+(\S+);", text, re.MULTILINE)
    assert len(written) == 6
    assert all(path.startswith("/tmp/") for path in written)
    assert not re.search(r"^\s*user\s", text, re.MULTILINE)


def test_nginx_writes_no_card_number_into_a_log():
    text = (WIDGETS / "nginx.conf").read_text()
    logged = re.search(r"log_format path_only (.*?);", text, re.DOTALL)
    assert logged is not None
    assert not re.search(r"\$(request|request_uri|args|query_string|arg_\w+|http_referer)\b", logged[1])
    assert set(re.findall(r"access_log (.*);", text)) == {"/dev/stdout path_only", "off"}
    proxied = [block for block in re.findall(r"location [^{]*\{([^}]*)\}", text) if "proxy_pass" in block]
    assert len(proxied) == 2
    for block in proxied:
        assert "error_log stderr crit;" in block, "nginx quotes a whole request in a lesser error"
