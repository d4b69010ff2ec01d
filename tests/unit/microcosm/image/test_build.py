"""From a folder to an image: on disk, in a registry, in manifests; and the commands around it."""

import json
import tarfile

import pytest
import yaml
from typer.testing import CliRunner

from microcosm.cli import app
from microcosm.errors import OperatorError, UsageError
from microcosm.image import descriptors, registry, start
from microcosm.image.oci import LABEL
from tests.support.fake_registry import serving
from tests.support.services import CANARY, config, connection, server

from . import bases_on_disk
from .test_source import folder, zipped

SITE = {
    "web.config": config("<appSettings><add key='Mode' value='x'/></appSettings>"),
    "default.aspx": "<%@ Page %>",
    "bin/a.txt": "",
}


def run(*words: object, code: int = 0):
    done = CliRunner().invoke(app, ["image", *map(str, words)])
    if isinstance(done.exception, OperatorError):
        raise done.exception
    assert done.exit_code == code, done.output
    return done


@pytest.fixture
def base(tmp_path):
    return bases_on_disk.write(tmp_path / "base")


@pytest.fixture
def site(tmp_path):
    return folder(tmp_path / "site", SITE)


def built(*words: object) -> dict:
    return json.loads(run("build", *words, "--base-has", "iis", "--json").stdout)


def config_of(layout) -> dict:
    def blob(digest):
        return json.loads((layout / "blobs" / digest.replace(":", "/")).read_text())

    return blob(
        blob(json.loads((layout / "index.json").read_text())["manifests"][0]["digest"])["config"]["digest"]
    )


def test_an_image_on_disk_stands_on_its_base_and_starts_the_script(base, site, tmp_path):
    built(
        site,
        "--to",
        "reg.example/shop:1",
        "--base",
        base,
        "--output",
        tmp_path / "out",
        "--env",
        "LEVEL=debug",
    )
    made = config_of(tmp_path / "out")
    assert made["os.version"] == bases_on_disk.BUILD
    assert made["config"]["Entrypoint"] == start.ENTRYPOINT
    assert made["config"]["Env"] == ["ROSLYN_COMPILER_LOCATION=C:\\Roslyn", "LEVEL=debug"]
    assert len(made["rootfs"]["diff_ids"]) == 2
    facts = json.loads(made["config"]["Labels"][LABEL])
    assert (facts["kind"], facts["ports"], facts["health"], facts["variables"]) == (
        "iis",
        [80],
        "/",
        ["APPSETTING_Mode"],
    )


def test_a_folder_of_the_base_keeps_the_descriptor_that_the_base_gives_it(base, site, tmp_path):
    made = built(site, "--to", "reg.example/shop:1", "--base", base, "--output", tmp_path / "out")["images"][
        0
    ]
    with tarfile.open(tmp_path / "out/blobs" / made["layer"].replace(":", "/")) as tar:
        found = {entry.name: entry.pax_headers.get("MSWINDOWS.rawsd") for entry in tar}
    assert found["Files/inetpub/wwwroot"] == descriptors.text(bases_on_disk.OWN_FOLDER)
    assert found["Files/inetpub/wwwroot/bin"] == descriptors.text(descriptors.of_folder(False))


def test_folder_and_zip_give_the_same_digest_twice(base, site, tmp_path):
    sources = [site, site, zipped(tmp_path / "site.zip", SITE)]
    digests = {
        built(one, "--to", "reg.example/shop:1", "--base", base, "--output", tmp_path / "out")["digest"]
        for one in sources
    }
    assert len(digests) == 1


def test_nothing_is_made_when_something_is_refused(base, site, tmp_path):
    (site / "web.config").write_text(server("<rewrite/>"))
    done = run(
        "build",
        site,
        "--to",
        "reg.example/shop:1",
        "--base",
        base,
        "--base-has",
        "iis",
        "--output",
        tmp_path / "out",
        code=1,
    )
    assert "refused  web.config: it asks for URL Rewrite" in done.stdout
    assert not (tmp_path / "out").exists()
    run(
        "build",
        site,
        "--to",
        "reg.example/shop:1",
        "--base",
        base,
        "--output",
        tmp_path / "out",
        "--ignore",
        "iis-rewrite",
    )
    assert (tmp_path / "out").exists()


def test_a_canary_is_in_no_output_and_not_in_the_label(base, site, tmp_path):
    (site / "web.config").write_text(connection(f"Server=db;Password={CANARY}"))
    words = ("--base", base, "--ignore", "password-in-image", "--output", tmp_path / "out")
    done = run("build", site, "--to", "reg.example/shop:1", *words)
    assert CANARY not in done.output
    assert CANARY not in json.dumps(config_of(tmp_path / "out"))
    assert CANARY not in run("check", site, code=1).output
    with pytest.raises(UsageError, match="--env DB_PASSWORD: by its name it is a secret") as caught:
        run("build", site, "--to", "reg.example/shop:1", "--env", f"DB_PASSWORD={CANARY}")
    assert CANARY not in str(caught.value)


def test_a_further_application_is_judged_like_the_site(base, site, tmp_path):
    words = (
        site,
        "--to",
        "reg.example/shop:1",
        "--base",
        base,
        "--base-has",
        "iis",
        "--output",
        tmp_path / "out",
    )
    more = ("--app", f"/api={folder(tmp_path / 'api', {'web.config': server('<rewrite/>')})}")
    done = run("build", *words, *more, code=1)
    assert "refused  /api: web.config: it asks for URL Rewrite" in done.stdout
    assert not (tmp_path / "out").exists()
    run("build", *words, *more, "--ignore", "iis-rewrite")
    with pytest.raises(UsageError, match="an application of IIS is a site"):
        run("build", *words, "--app", f"/data={folder(tmp_path / 'data', {'a.exe': 'MZ'})}")


def test_options_of_the_start_are_in_the_image(base, site, tmp_path):
    folder(tmp_path / "fonts", {"Own.TTF": "font", "readme.txt": ""})
    (tmp_path / "other.aspx").write_text("<%@ Page %> other")
    made = built(
        *(site, "--to", "reg.example/shop:1", "--base", base, "--output", tmp_path / "out"),
        *("--fonts", tmp_path / "fonts", "--time-zone", "UTC", "--culture", "de-DE", "--x86"),
        *(
            "--set",
            "system.web/compilation@debug=false",
            "--replace",
            f"default.aspx={tmp_path / 'other.aspx'}",
        ),
    )
    assert config_of(tmp_path / "out")["config"]["Env"][1:] == ["APP_CULTURE=de-DE", "TZ_WINDOWS=UTC"]
    with tarfile.open(tmp_path / "out/blobs" / made["images"][0]["layer"].replace(":", "/")) as tar:
        files = {entry.name: tar.extractfile(entry).read() for entry in tar if entry.isfile()}
    app = json.loads(files["Files/microcosm/app.json"])
    assert files["Files/Windows/Fonts/Own.TTF"] == b"font"
    assert files["Files/inetpub/wwwroot/default.aspx"] == b"<%@ Page %> other"
    assert [(one["name"], one["data"]) for one in app["registry"]] == [("Own (TrueType)", "Own.TTF")]
    assert app["set"] == [{"section": "system.web/compilation", "attribute": "debug", "value": "false"}]
    assert app["x86"] is True


WRONG = {
    ("--to", "reg.example/shop:1", "--env", "TEMP=C:\\temp"): "leave it as the base has it",
    ("--to", "reg.example/shop:1", "--env", "A=a\x18"): "holds a control character",
    ("--to", "reg.example/shop:1", "--set", "debug=false"): "write it as SECTION@ATTRIBUTE=VALUE",
    ("--to", "reg.example/shop:1", "--set", "system.web/identity@password=x"): "by its name it is a secret",
    ("--to", "reg.example/shop:1", "--replace", "none.config=x"): "has no such file",
    ("--to", "reg.example/shop:1", "--fonts", "/nowhere"): "no .ttf, .ttc or .otf file",
    ("--to", "reg.example/Shop:1"): "not the name of an image",
    ("--to", "reg.example/shop:1", "--base", "oci:/nowhere"): "no OCI layout is there",
    ("--to", "reg.example/shop:1", "--base-has", "rewrite"): "no such feature",
    ("--to", "reg.example/shop:1", "--ignore", "nothing"): "no finding of",
    ("--to", "reg.example/shop:1", "--app", "api=x"): "write it as /PATH=FOLDER",
    ("--to", "reg.example/shop:1", "--env", "A"): "write it as NAME=VALUE",
    ("--to", "reg.example/shop:1", "--writable", "D:\\x"): "give a folder below the service's own",
    ("--to", "reg.example/shop:1", "--kind", "service"): "neither a site",
}


@pytest.mark.parametrize("words", WRONG)
def test_what_is_asked_wrongly_is_one_sentence(words, site):
    with pytest.raises(UsageError, match=WRONG[words]):
        run("build", site, *words)


@pytest.mark.parametrize("name", ["publish/site", "no-such", "./registry.example/shop", "C:\\site"])
def test_a_misspelt_folder_is_not_looked_for_in_a_registry(name):
    with pytest.raises(UsageError, match="no such file or folder"):
        run("check", name)


def test_a_base_of_another_build_or_system_is_refused(site, tmp_path):
    for name, build, system in (("new", "10.0.20348.1", "windows"), ("linux", "", "linux")):
        with pytest.raises(UsageError, match=r"it is no base for Windows Server 2019 \(10.0.17763\)"):
            run(
                "build",
                site,
                "--to",
                "a.example/b:1",
                "--base",
                bases_on_disk.write(tmp_path / name, build, system),
            )


def test_another_logmonitor_than_the_published_one_is_refused(base, site, tmp_path):
    (tmp_path / "LogMonitor.exe").write_bytes(b"MZ")
    with pytest.raises(UsageError, match="its sum is"):
        run(
            "build",
            site,
            "--to",
            "a.example/b:1",
            "--base",
            base,
            "--logmonitor",
            tmp_path / "LogMonitor.exe",
            "--logmonitor-sha256",
            "0" * 64,
        )


def test_manifests_pass_every_rule_and_ask_for_what_the_service_needs(base, site, tmp_path):
    built(site, "--to", "reg.example/shop:1", "--base", base, "--output", tmp_path / "out")
    text = run("manifest", f"oci:{tmp_path / 'out'}", "--name", "shop", "--namespace", "web").stdout
    assert "&id" not in text, "a reader edits each probe, so none refers to another"
    objects = list(yaml.safe_load_all(text))
    secret, deployment, service = objects
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    assert secret["stringData"]["APPSETTING_Mode"] == ""
    assert len(secret["stringData"]["MACHINEKEY_VALIDATION"]) == 128
    assert container["startupProbe"]["httpGet"] == {"path": "/", "port": 80}
    assert deployment["spec"]["template"]["spec"]["enableServiceLinks"] is False
    assert deployment["spec"]["replicas"] == 2
    assert {one["metadata"]["namespace"] for one in objects} == {"web"}
    assert service["spec"]["ports"][0]["port"] == 80


def test_sessions_in_the_process_mean_one_replica(base, site, tmp_path):
    (site / "web.config").write_text(config("<system.web><sessionState mode='InProc'/></system.web>"))
    built(site, "--to", "reg.example/shop:1", "--base", base, "--output", tmp_path / "out")
    text = run("manifest", f"oci:{tmp_path / 'out'}").stdout
    assert "# replicas: 1" in text
    assert (
        next(one for one in yaml.safe_load_all(text) if one["kind"] == "Deployment")["spec"]["replicas"] == 1
    )


def test_an_image_is_checked_against_the_nodes(base, site, tmp_path):
    built(site, "--to", "reg.example/shop:1", "--base", base, "--output", tmp_path / "out")
    assert "0 refused" in run("check", f"oci:{tmp_path / 'out'}").stdout
    assert "image-build" in run("check", f"oci:{tmp_path / 'out'}", "--windows", "2022", code=1).stdout
    assert "image-settings" in run("check", base).stdout
    with pytest.raises(UsageError, match="not made by `microcosm image build`"):
        run("manifest", base)


def test_a_push_sends_only_what_is_missing_and_mounts_the_base(base, site, tmp_path, monkeypatch):
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with serving("user", "secret") as fake:
        fake.login(tmp_path)
        fake.load("windows/base", "1", tmp_path / "base")
        words = ("--base", f"{fake.host}/windows/base:1", "--push")
        first = built(site, "--to", f"{fake.host}/shop:1", *words)
        assert fake.downloaded == 2, "of the base its manifest and configuration, no layer"
        assert fake.mounted == 1
        assert fake.uploaded == 2, "the new layer and the new configuration"
        again = built(site, "--to", f"{fake.host}/shop:2", *words)
        assert (again["digest"], fake.uploaded) == (first["digest"], 2)
        assert "0 refused" in run("check", f"{fake.host}/shop:1").stdout
        pinned = next(
            one
            for one in yaml.safe_load_all(run("manifest", f"{fake.host}/shop:1").stdout)
            if one["kind"] == "Deployment"
        )
        assert (
            pinned["spec"]["template"]["spec"]["containers"][0]["image"]
            == f"{fake.host}/shop:1@{first['digest']}"
        )


def test_several_windows_make_one_index(site, tmp_path, monkeypatch):
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with serving() as fake:
        for release, build in (("2019", bases_on_disk.BUILD), ("2022", "10.0.20348.2")):
            bases_on_disk.write(tmp_path / release, build)
            fake.load("base", release, tmp_path / release)
        fake.index("base", "all", ("2019", "2022"))
        made = built(
            site,
            "--to",
            f"{fake.host}/shop:1",
            "--base",
            f"{fake.host}/base:all",
            "--push",
            "--windows",
            "2019",
            "--windows",
            "2022",
        )
        index, _, media_type = registry.open_registry(registry.parse(f"{fake.host}/shop:1")).manifest("1")
        assert media_type == registry.INDEX
        assert [one["platform"]["os.version"] for one in index["manifests"]] == [
            bases_on_disk.BUILD,
            "10.0.20348.2",
        ]
        assert len(made["images"]) == 2


def test_without_a_login_the_sentence_says_what_to_do(base, site, tmp_path, monkeypatch):
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "none"))
    with serving("user", "secret") as fake, pytest.raises(OperatorError, match="docker login"):
        run("build", site, "--to", f"{fake.host}/shop:1", "--base", base, "--base-has", "iis", "--push")
    with pytest.raises(OperatorError, match="cannot be reached"):
        run("build", site, "--to", "127.0.0.1:9/shop:1", "--base", base, "--base-has", "iis", "--push")
