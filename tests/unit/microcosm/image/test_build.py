"""From a folder to an image: on disk, in a registry, in manifests; and the commands around it."""

import json
import tarfile

import pytest
from typer.testing import CliRunner

from microcosm.cli import app
from microcosm.errors import OperatorError, UsageError
from microcosm.image import descriptors, start
from microcosm.image.oci import LABEL
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
