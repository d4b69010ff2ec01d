"""Odd inputs get the right answer: those of public reports as they were written (reports/), and of three
tables.
"""

import io
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.lint import Severity, check
from microcosm.lint.command import lint

from .lint_cases import WS2022, deployment, pod

HERE = Path(__file__).parent
TABLES = ("odd_pods.yaml", "odd_surroundings.yaml", "odd_more.yaml")
ODD = [row for name in TABLES for row in yaml.safe_load((HERE / name).read_text(encoding="utf-8"))]
IMAGE = "registry.example.com/app:1-ltsc2022"
# File, the rules that are errors in it, those that are warnings; notes and problems are counted apart.
REPORTS: dict[str, tuple[set[str], set[str]]] = {
    "01-pod-level-resources": ({"refused-field"}, {"resource-limits", "service-links"}),
    "02-key-written-twice": ({"toleration", "host-network"}, {"os-name", "resource-limits", "service-links"}),
    "12-windows-pod-without-selector": ({"node-selector", "toleration"}, {"os-name", "resource-limits"}),
    "13-linux-programs-in-hooks": ({"linux-command"}, {"service-links"}),
    "14-base-image-without-tag": ({"base-image-tag"}, {"latest-image", "service-links"}),
    "16-restricted-namespace": ({"pod-security"}, {"os-name"}),
    "17-nfs-behind-a-claim": ({"volume-type"}, set()),
    "19-hyper-v-runtime-class": ({"runtime-class"}, set()),
    "25-grace-period": (set(), {"grace-period"}),
    "29-windows-program-below-bin": (set(), set()),
    "33-args-are-the-program": ({"linux-command"}, set()),
    "34-hyper-v-class-same-build": ({"runtime-class"}, set()),
}


def test_every_file_of_a_report_has_an_answer():
    assert {path.stem for path in (HERE / "reports").glob("*")} == set(REPORTS)


@pytest.mark.parametrize("name", REPORTS)
def test_a_reported_file_gets_the_right_answer(name):
    report = lint([str(HERE / "reports" / f"{name}.yaml")], io.BytesIO(), windows_build=WS2022)
    errors, warnings = REPORTS[name]
    assert (of(report.findings, Severity.ERROR), of(report.findings, Severity.WARNING)) == (errors, warnings)
    assert report.exit_code == int(bool(errors)), report.problems
    assert [note.partition(": ")[2] for note in report.notes] == (
        ["the key 'envFrom' is written twice: Kubernetes believes the last one"]
        if name.startswith("02")
        else []
    )


def test_the_sentences_name_the_place():
    """Of the reports that were told wrong reasons."""
    hooks, base, classes = (
        [
            one
            for one in lint(
                [str(HERE / "reports" / f"{name}.yaml")], io.BytesIO(), windows_build=WS2022
            ).findings
            if one.rule != "service-links"
        ]
        for name in ("13-linux-programs-in-hooks", "14-base-image-without-tag", "19-hyper-v-runtime-class")
    )
    assert {one.what for one in hooks} == {
        "container web: preStop runs sleep",
        "container web: livenessProbe runs /healthcheck.sh",
        "container web: readinessProbe runs wget",
    }
    assert len(base) == 3
    assert [one.what for one in classes] == [
        "runtime class windows-hyperv: its handler is runhcs-wcow-hypervisor"
    ]


@pytest.mark.parametrize("row", ODD, ids=[row["of"].replace(" ", "-") for row in ODD])
def test_an_odd_pod_gets_the_right_answer(row):
    found = check([workload(row), *row.get("with", ())], windows_build=WS2022)
    assert of(found, Severity.ERROR) == set(row.get("errors", ())), found
    if not row.get("bare"):
        assert of(found, Severity.WARNING) == set(row.get("warnings", ())), found


def of(findings: Any, severity: Severity) -> set[str]:
    return {finding.rule for finding in findings if finding.severity is severity}


def workload(row: dict[str, Any]) -> dict[str, Any]:
    """The object of a row: the good Deployment, or a pod that says nothing, with the row's changes."""
    made = deployment()
    spec = pod(made)
    spec["containers"][0]["image"] = IMAGE
    if row.get("bare"):
        spec = {"containers": [{"name": "app", "image": "registry.example.com/app:1"}]}
    changed(spec, row.get("pod", {}))
    changed(spec["containers"][0], row.get("container", {}))
    template = {"metadata": {"labels": {"app": "web"}} | row.get("metadata", {}), "spec": spec}
    made |= {"kind": row.get("kind", made["kind"]), "apiVersion": row.get("api", made["apiVersion"])}
    made["spec"] = {"volumeClaimTemplates": row["claims"]} if "claims" in row else {}
    made["spec"] |= {"replicas": row["replicas"]} if "replicas" in row else {}
    return placed(made, row.get("at", ["spec", "template"]), template)


def changed(target: dict[str, Any], fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        target.pop(name, None) if value is None else target.update({name: value})


def placed(made: dict[str, Any], path: list[Any], template: Any) -> dict[str, Any]:
    """Put the template at a path; a number is a place in a list."""
    value = template
    for key in reversed(path[1:]):
        value = [value] if isinstance(key, int) else {key: value}
    return made | {path[0]: made.get(path[0], {}) | value if isinstance(value, dict) else value}
