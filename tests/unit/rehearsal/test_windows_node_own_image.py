"""Pull an image from its registry and take its C# out of it, as the stand-in of a Windows node does."""

import base64
import io
import json
import tarfile

import pytest

from rehearsal.windows_node import own_image
from rehearsal.windows_node.ccauth_host import host
from rehearsal.windows_node.errors import StandinError
from rehearsal.windows_node.image_pull import Puller, PullError, login_of

PAGE = '<%@ ServiceHost Language="C#" Service="Shop.Greeting" %>\nnamespace Shop { class Greeting {} }'
WEB = """<configuration><appSettings><add key="A" value="1"/><add key="B" value="2"/></appSettings>
<system.serviceModel><services><service name="Shop.Greeting">
<endpoint binding="webHttpBinding" contract="Shop.IGreeting"/></service></services>
</system.serviceModel></configuration>"""
APP = {"kind": "wcf", "home": "inetpub/wwwroot", "config": "inetpub/wwwroot/web.config"}
FILES = {
    "microcosm/start.ps1": "#",
    "microcosm/settings.ps1": "#",
    "microcosm/app.json": json.dumps(APP),
    "inetpub/wwwroot/web.config": WEB,
    "inetpub/wwwroot/greeting.svc": PAGE,
}
STARTS = {
    "os": "windows",
    "os.version": "10.0.17763.1",
    "config": {"Entrypoint": ["powershell.exe", "-File", r"C:\microcosm\start.ps1"]},
}


def layer(files) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))
    return data.getvalue()


@pytest.fixture
def pushed():
    """Push an image of these layers to a registry; return its pinned reference."""
    from tests.support.fake_registry import serving, sha

    with serving() as fake:

        def push(*layers, config=STARTS):
            blobs = fake.blobs.setdefault("shop", {})
            parts = [layer(files) for files in layers]
            data = json.dumps(config).encode()
            blobs.update({sha(part): part for part in (*parts, data)})
            kind = "application/vnd.oci.image.manifest.v1+json"
            manifest = json.dumps(
                {"config": {"digest": sha(data)}, "layers": [{"digest": sha(part)} for part in parts]}
            ).encode()
            fake.put("shop", "1", manifest, kind)
            return f"{fake.host}/shop:1@{sha(manifest)}"

        push.fake = fake
        yield push


def files(**more):
    return {f"Files/{name}": text for name, text in {**FILES, **more}.items()}


def test_layers_lie_over_each_other_and_a_whiteout_removes(pushed, tmp_path):
    lower = {
        "Files/inetpub/wwwroot/iisstart.htm": "IIS",
        "Files/inetpub/wwwroot/web.config": "old",
        "Hives/System_Delta": "x",
    }
    reference = pushed(lower, {**files(), "Files/inetpub/wwwroot/.wh.iisstart.htm": ""})
    pulled = Puller(reference, "").pull(tmp_path / "drive")
    found = {
        path.relative_to(pulled.drive).as_posix(): path.read_text()
        for path in pulled.drive.rglob("*")
        if path.is_file()
    }
    assert found == FILES
    assert reference.endswith(pulled.digest)


def test_other_bytes_than_those_of_the_digest_are_refused(pushed, tmp_path):
    reference = pushed(files())
    blobs = pushed.fake.blobs["shop"]
    blobs[next(iter(blobs))] = layer({"Files/a": "evil"})
    with pytest.raises(PullError, match="sent other bytes"):
        Puller(reference, "").pull(tmp_path / "drive")


def test_an_image_for_linux_and_a_registry_that_is_away_are_refused(pushed, tmp_path):
    with pytest.raises(PullError, match="is for linux"):
        Puller(pushed(files(), config={"os": "linux"}), "").pull(tmp_path / "drive")
    with pytest.raises(PullError, match="cannot be reached"):
        Puller("127.0.0.1:9/shop:1", "").pull(tmp_path / "drive")


def test_the_login_is_that_of_the_registry_in_the_pull_secret():
    both = base64.b64encode(b"u:p").decode()
    secret = json.dumps(
        {"auths": {"a.example:5000": {"auth": both}, "b.example": {"username": "u", "password": "p"}}}
    )
    assert login_of(secret, "a.example:5000/shop:1") == both
    assert login_of(secret, "b.example/shop:1") == both
    assert login_of(secret, "c.example/shop:1") == ""


def test_the_services_own_code_is_compiled_and_gets_its_settings(pushed, tmp_path, monkeypatch):
    compiled = []
    monkeypatch.setattr(
        host, "build", lambda source, folder: compiled.append(source.read_text()) or folder / "host.exe"
    )
    pulled = Puller(pushed(files()), "").pull(tmp_path / "drive")
    words = own_image.command(
        pulled, tmp_path / "out", "10.1.2.3", {"APPSETTING_A": "9", "APPSETTING_B": "", "CONNSTR_X": "y"}
    )
    assert words[-3:] == ["http://10.1.2.3:80/greeting.svc", "Shop.Greeting", "Shop.IGreeting"]
    assert "class Greeting" in compiled[0]
    assert "ServiceHost" not in compiled[0]
    settings = (tmp_path / "out/host.exe.config").read_text()
    assert 'key="A" value="9"' in settings
    assert 'key="B" value="2"' in settings, "an empty value of the Secret leaves the setting"


OTHERS = {
    "another entrypoint": (
        files(),
        {**STARTS, "config": {"Entrypoint": ["cmd.exe"]}},
        "images of `microcosm image build`",
    ),
    "no settings script": (
        {name: text for name, text in files().items() if "settings" not in name},
        STARTS,
        "lacks",
    ),
    "a program": (
        files(**{"microcosm/app.json": json.dumps({**APP, "kind": "console"})}),
        STARTS,
        "serves WCF services alone",
    ),
    "no service": (
        {name: text for name, text in files().items() if ".svc" not in name},
        STARTS,
        "has 0 .svc files",
    ),
    "a compiled service": (
        files(**{"inetpub/wwwroot/greeting.svc": PAGE.partition("\n")[0]}),
        STARTS,
        "holds no C#",
    ),
    "another binding": (
        files(**{"inetpub/wwwroot/web.config": WEB.replace("webHttp", "basicHttp")}),
        STARTS,
        "webHttpBinding",
    ),
}


@pytest.mark.parametrize("case", OTHERS)
def test_what_the_stand_in_cannot_serve_is_said(case, pushed, tmp_path):
    content, config, sentence = OTHERS[case]
    pulled = Puller(pushed(content, config=config), "").pull(tmp_path / "drive")
    with pytest.raises(StandinError, match=sentence):
        own_image.command(pulled, tmp_path / "out", "10.1.2.3", {})
