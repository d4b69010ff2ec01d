"""`microcosm lint`: what it reads, what it says of what it cannot read, and how it ends."""

import io
import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from typer.testing import CliRunner

from infra.lint import RULES
from microcosm.lint.command import Report, app, lint, print_report

BAD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    spec:
      os: {name: windows}
      nodeSelector: {kubernetes.io/os: windows}
      hostNetwork: true
      tolerations: [{operator: Exists}]
      containers: [{name: web, image: "web:nanoserver-ltsc2022", resources: {limits: {cpu: 1, memory: 1Gi}}}]
"""
GOOD = BAD.replace("      hostNetwork: true\n", "")
OTHER = "replicaCount: 2\n"


def read(text: str | bytes, **options) -> Report:
    """The report on a text on standard input."""
    return lint(["-"], io.BytesIO(text.encode() if isinstance(text, str) else text), **options)


def run(*arguments: str, text: str | bytes = ""):
    return CliRunner().invoke(app, list(arguments), input=text)


def test_a_finding_names_file_line_document_and_object(tmp_path):
    file = tmp_path / "web.yaml"
    file.write_text(f"# the shop\n{GOOD}---\n{BAD}")
    (finding,) = lint([str(file)], io.BytesIO()).findings
    assert (finding.source, finding.document, finding.line) == (str(file), 2, 13)
    assert (finding.object, finding.rule) == ("Deployment shop/web", "host-network")


def test_a_list_in_a_list_is_told_and_looked_into_all_the_same():
    """kubectl takes one level (cli-runtime pkg/resource, FlattenListVisitor)."""
    inner = {"apiVersion": "v1", "kind": "List", "items": [yaml.safe_load(BAD)]}
    report = read(json.dumps({"apiVersion": "v1", "kind": "List", "items": [inner]}))
    (problem,) = report.problems
    assert (
        problem
        == "(standard input):1: an item of this List is a list itself: kubectl takes no list in a list"
    )
    assert [finding.rule for finding in report.findings] == ["host-network"]


def test_half_a_character_in_json_can_be_printed():
    text = json.dumps(yaml.safe_load(BAD) | {"metadata": {"name": "web\ud83d"}})
    result = run("-", text=text)
    assert (result.exit_code, "web\ufffd" in result.output) == (1, True)


def test_a_folder_is_read_to_the_bottom_except_what_is_hidden(tmp_path):
    for name in ("a/b/web.yml", ".git/web.yaml", "a/.hidden.yaml", "notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(BAD)
    (tmp_path / "values.yaml").write_text(OTHER)
    report = lint([str(tmp_path)], io.BytesIO())
    assert [Path(finding.source).name for finding in report.findings] == ["web.yml"]
    assert (report.objects, report.others, report.problems) == (1, 1, [])


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(yaml.safe_load(BAD), indent="\t"),
        json.dumps({"apiVersion": "v1", "kind": "List", "items": [yaml.safe_load(BAD)]}),
        BAD.encode("utf-16"),
        BAD.encode("utf-8-sig"),
        BAD.replace("\n", "\r\n"),
        f"---\n---\n{BAD}---\n# nothing\n",
        BAD.replace("name: web, namespace", "name: web, created: 2026-99-99, value: =, namespace"),
    ],
    ids=["json", "list", "utf-16", "bom", "crlf", "empty-documents", "no-dates"],
)
def test_manifests_come_in_many_forms(text):
    report = read(text)
    assert report.problems == []
    assert [finding.rule for finding in report.findings] == ["host-network"]


def test_objects_of_several_paths_are_of_one_cluster(tmp_path):
    (tmp_path / "service.yaml").write_text(
        "{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ipFamilies: "
        "[IPv6]}}"
    )
    pod = GOOD.replace(", namespace: shop", "").replace(
        "  template:\n", "  template:\n    metadata: {labels: {app: web}}\n"
    )
    report = lint([str(tmp_path), "-"], io.BytesIO(pod.encode()))
    assert [finding.rule for finding in report.findings] == ["ipv6"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: [", "(standard input):1: not YAML: did not find expected node content"),
        (
            "a: 1\nb: {{ .Values.b }}\n",
            "(standard input):2: not YAML: a key must be a text, a number or a truth value; it looks like a "
            "Helm template: ",
        ),
        ("a: 1\n---\nb: .inf\n", "(standard input):3: .inf is no number that JSON can hold"),
        (
            "a: 1\n--- {b: 1}\n",
            "(standard input):2: kubectl takes nothing but a comment after ---, and here is '{b: 1}'",
        ),
        ("a: &a [*a]", "(standard input):1: an anchor that contains itself"),
        ("a: !!binary '?'", "(standard input):1: the value after !!binary is no base64"),
        ("a: {<<: 1}", "(standard input):1: << merges mappings only"),
        (
            "a: !!bool perhaps",
            "(standard input):1: a value of this document is not of its type: 'perhaps' is no !!bool",
        ),
        (
            "a: !!timestamp soon",
            "(standard input):1: a value of this document is not of its type: 'soon' is no !!timestamp",
        ),
        ("[" * 5000, "(standard input):1: not YAML: exceeded maximum nesting depth"),
        ("a: \x00", "(standard input):1: not YAML: control characters are not allowed"),
        (OTHER, "-: no Kubernetes object (a mapping with apiVersion and kind) was found"),
        ("", "-: no Kubernetes object"),
    ],
)
def test_what_cannot_be_read_is_one_sentence_with_the_line(text, sentence):
    (problem,) = read(text).problems
    assert problem.startswith(sentence), problem
    assert "\n" not in problem


def test_what_cannot_be_read_does_not_hide_the_rest(tmp_path):
    (tmp_path / "good.yaml").write_text(BAD)
    (tmp_path / "torn.yaml").write_text(f"{BAD}---\na: [\n")
    report = lint([str(tmp_path), str(tmp_path / "gone.yaml")], io.BytesIO())
    assert [Path(finding.source).name for finding in report.findings] == ["good.yaml", "torn.yaml"]
    assert report.problems == [
        f"{tmp_path / 'torn.yaml'}:13: not YAML: did not find expected node content",
        f"{tmp_path / 'gone.yaml'}: No such file or directory",
    ]


def test_a_folder_without_manifests_is_named(tmp_path):
    assert lint([str(tmp_path)], io.BytesIO()).problems == [
        f"{tmp_path}: the folder holds no .yaml, .yml, .json file"
    ]


@pytest.mark.parametrize(
    ("text", "code"),
    [(GOOD, 0), (GOOD.replace("os: {name: windows}", ""), 0), (BAD, 1), ("a: [", 2), (BAD + "---\na: [", 2)],
)
def test_the_exit_code_is_0_fine_1_errors_2_unreadable(text, code):
    assert run("-", text=text).exit_code == code


def test_the_text_groups_by_object_and_gives_each_reason_once():
    written = run("-", text=f"{BAD}---\n{BAD.replace('name: web,', 'name: api,')}").output
    assert (
        "(standard input):1: Deployment shop/web\n  error    hostNetwork: true  [host-network]\n" in written
    )
    assert "(standard input):13: Deployment shop/api\n" in written
    assert (
        written.count(
            "https://kubernetes.io/docs/concepts/services-networking/windows-networking/#limitations"
        )
        == 1
    )
    assert written.endswith("2 errors, 0 warnings in 2 objects\n")


def test_square_brackets_of_a_manifest_are_no_markup():
    console = Console(file=io.StringIO(), force_terminal=True, width=40)
    print_report(read(BAD.replace("name: web,", 'name: "[red]web[/red]",')), console)
    assert "[red]web[/red]" in console.file.getvalue()


def test_json_is_the_whole_report_in_one_document():
    document = json.loads(run("-", "--json", text=BAD).stdout)
    assert {key: document[key] for key in ("errors", "warnings", "objects", "others", "problems")} == {
        "errors": 1, "warnings": 0, "objects": 1, "others": 0, "problems": [],
    }  # fmt: skip
    assert set(document["findings"][0]) >= {
        "rule",
        "severity",
        "kind",
        "namespace",
        "name",
        "source",
        "document",
        "line",
        "what",
        "why",
        "page",
        "fix",
    }


def test_problems_go_to_standard_error_and_leave_the_json_whole():
    result = run("-", "--json", text="a: [")
    assert json.loads(result.stdout)["problems"] == [
        "(standard input):1: not YAML: did not find expected node content"
    ]
    assert result.stderr == "error: (standard input):1: not YAML: did not find expected node content\n"


def test_the_nodes_windows_server_is_an_option():
    assert run("-", "--windows", "2022", text=GOOD).exit_code == 0
    refused = run("-", "--windows", "2019", text=GOOD)
    assert refused.exit_code == 1
    assert (
        "the image is for Windows Server 2022 (10.0.20348), the node is Windows Server 2019 (10.0.17763)"
        in refused.output
    )


@pytest.mark.parametrize("arguments", [[], ["--windows", "2016", "-"]])
def test_misuse_ends_with_2_and_a_sentence(arguments):
    result = run(*arguments)
    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_the_rules_can_be_listed():
    listed = run("--rules").output
    assert all(f"| `{rule.id}` |" in listed for rule in RULES)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates()
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=40, deadline=None, database=None)
@given(
    st.lists(ANYTHING, max_size=3),
    st.dictionaries(st.sampled_from(["metadata", "spec", "items", "data"]), ANYTHING),
)
def test_any_yaml_gives_a_report(documents, fields):
    documents = [*documents, {"apiVersion": "v1", "kind": "Pod", **fields}]
    assert isinstance(read(yaml.safe_dump_all(documents)), Report)


@settings(max_examples=60, deadline=None, database=None)
@given(st.binary(max_size=60) | st.text("{}[]:-&*!|>?'\"# \n\ta<=,%@1.0", max_size=40).map(str.encode))
def test_any_bytes_give_a_report_or_a_sentence(data):
    report = read(data)
    assert report.objects or report.problems
    assert not any("\n" in problem for problem in report.problems)
