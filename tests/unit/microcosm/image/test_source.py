"""Reading SOURCE: what is accepted is the same in every form, and what is not is refused in one sentence
that says what to hand over.
"""

import os
import zipfile
from pathlib import Path

import pytest

from microcosm.errors import UsageError
from microcosm.image import inspect, start
from microcosm.image.source import read, replaced
from microcosm.image.subject import Choices
from tests.support.services import config
from tests.support.web_packages import package

SITE = {"web.config": config(), "default.aspx": "<%@ Page %>", "bin/site.dll": "MZ"}


def folder(path: Path, files) -> Path:
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def zipped(path: Path, files) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def test_folder_zip_zip_of_the_folder_and_package_hold_the_same_files(tmp_path):
    sources = [
        read(folder(tmp_path / "site", SITE)),
        read(zipped(tmp_path / "a.zip", SITE)),
        read(zipped(tmp_path / "b.zip", {f"site/{name}": data for name, data in SITE.items()})),
        read(folder(tmp_path / "drop", {f"site/{name}": data for name, data in SITE.items()})),
        read(zipped(tmp_path / "e.zip", {f"drop/site/{name}": data for name, data in SITE.items()})),
        read(zipped(tmp_path / "c.zip", {name.replace("/", "\\"): data for name, data in SITE.items()})),
        read(package(tmp_path / "d.zip", SITE)),
    ]
    assert [source.form for source in sources] == ["folder", "zip", "zip", "folder", "zip", "zip", "msdeploy"]
    assert {tuple((path, source.tree.read(path)) for path in source.tree) for source in sources} == {
        tuple(sorted((name, data.encode()) for name, data in SITE.items()))
    }


def test_empty_folders_stay_and_may_be_written(tmp_path):
    (folder(tmp_path / "site", SITE) / "incoming/today").mkdir(parents=True)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("site/", "site/incoming/", "site/incoming/today/"):
            archive.writestr(name, "")
        for name, data in SITE.items():
            archive.writestr(f"site/{name}", data)
    sources = [read(tmp_path / "site"), read(tmp_path / "a.zip")]
    assert [source.empty for source in sources] == [("incoming/today",)] * 2
    one = inspect.subject(sources[0], inspect.Wanted(), Choices())
    assert "inetpub/wwwroot/incoming/today" in start.writable_folders(one)


def test_a_nuget_package_is_what_octopus_deploys(tmp_path):
    packaging = dict.fromkeys(
        ("[Content_Types].xml", "_rels/.rels", "Shop.nuspec", "package/services/a.psmdcp"), ""
    )
    made = read(zipped(tmp_path / "shop.nupkg", {**SITE, **packaging}))
    assert sorted(made.tree) == sorted(SITE)


NO_SERVICE = {
    "a site in a folder among others": (
        {"publish/web.config": config(), "notes/a.txt": ""},
        "its site is in the folder publish",
    ),
    "two sites": (
        {"web/web.config": config(), "api/web.config": config()},
        "hand over that folder, and web with --app",
    ),
    "libraries alone": ({"shop.dll": ""}, "neither a site"),
}


@pytest.mark.parametrize("case", NO_SERVICE)
def test_a_folder_without_a_service_at_its_top_says_where_it_is(case, tmp_path):
    files, sentence = NO_SERVICE[case]
    with pytest.raises(UsageError, match=sentence):
        inspect.subject(read(folder(tmp_path, files)), inspect.Wanted(), Choices())


# docs/guide/your-service.md has the others: test_guide_refusals.py.
REFUSED = {
    "a source tree below": ({"All.sln": "", "site/site.vbproj": ""}, "publish it first"),
    "packages.config without bin": ({"web.config": config(), "packages.config": ""}, "publish it first"),
    "ClickOnce below": ({"publish/app.application": "", "publish/setup.exe": ""}, "ClickOnce"),
    "MSIX": ({"AppxManifest.xml": "", "shop.exe": "MZ"}, "MSIX"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_folder_of_another_kind_is_refused_with_what_to_hand_over(case, tmp_path):
    files, sentence = REFUSED[case]
    with pytest.raises(UsageError, match=sentence):
        read(folder(tmp_path, files))


def test_a_project_that_is_built_in_place_is_a_site(tmp_path):
    assert read(folder(tmp_path, {**SITE, "site.csproj": ""})).form == "folder"


FILES = {
    "setup.exe": (b"MZ" + b"\0" * 99, "hand over the .msi inside"),
    "inno.exe": (b"MZ...Inno Setup Setup Data (6.2.0)", "Inno Setup"),
    "burn.exe": (b"MZ" + b"\0" * 200 + b".wixburn", "Burn"),
    "tool.exe": (b"MZ" + b"\0" * 99, "hand over the folder that holds it"),
    "data.cab": (b"MSCF\0\0\0\0", "hand over the .msi that names it"),
    "web.config": (b"<configuration/>", "hand over the folder that holds it"),
    "part.msm": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "a merge module is no installation"),
    "site.7z": (b"7z\xbc\xaf\x27\x1c", "unpack it and hand over the folder"),
    "broken.zip": (b"PK\x03\x04broken", "the zip is damaged"),
    "broken.msi": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "not a readable MSI"),
    "empty.zip": (b"PK\x05\x06" + b"\0" * 18, "there are no files"),
}


def test_what_the_zip_of_macos_leaves_is_no_part_of_the_service(tmp_path):
    litter = {"__MACOSX/site/._web.config": "x", "site/.DS_Store": "x", "site/bin/.DS_Store": "x"}
    made = read(
        zipped(tmp_path / "a.zip", {**{f"site/{name}": data for name, data in SITE.items()}, **litter})
    )
    assert sorted(made.tree) == sorted(SITE)


def test_more_than_a_layer_can_hold_is_refused_before_it_is_read(tmp_path):
    site = folder(tmp_path / "site", SITE)
    with (site / "data.bak").open("wb") as file:
        file.truncate((2 << 30) + 1)
    with pytest.raises(UsageError, match="more than 2 GB"):
        read(site)


def test_a_file_can_be_replaced_by_another(tmp_path):
    (tmp_path / "production.config").write_text("<configuration><!-- production --></configuration>")
    site = read(folder(tmp_path / "site", SITE))
    assert b"production" in replaced(site, "Web.Config", tmp_path / "production.config").tree.read(
        "web.config"
    )
    with pytest.raises(UsageError, match="has no such file"):
        replaced(site, "app.config", tmp_path / "production.config")
    with pytest.raises(UsageError, match="cannot be read"):
        replaced(site, "web.config", tmp_path / "none")


@pytest.mark.parametrize("name", ["../evil.dll", "/evil.dll", "C:\\evil.dll", "a/../../evil.dll"])
def test_names_that_lead_out_of_a_zip_are_refused(name, tmp_path):
    with pytest.raises(UsageError, match="leads out of the zip"):
        read(zipped(tmp_path / "a.zip", {"web.config": "", name: ""}))


def test_links_are_not_followed_out(tmp_path):
    site = folder(tmp_path / "site", SITE)
    (site / "passwd").symlink_to("/etc/passwd")
    with pytest.raises(UsageError, match="leads out of the folder"):
        read(site)
    (site / "passwd").unlink()
    (site / "etc").symlink_to("/etc")
    with pytest.raises(UsageError, match="a link to a folder"):
        read(site)
    (site / "etc").unlink()
    os.mkfifo(site / "pipe")
    with pytest.raises(UsageError, match="neither a file nor a folder"):
        read(site)


def test_options_of_another_form_are_refused(tmp_path):
    site = folder(tmp_path / "site", SITE)
    with pytest.raises(UsageError, match="--parameters belongs to a msdeploy package"):
        read(site, {"a": "b"})
    with pytest.raises(UsageError, match="--property belongs to an MSI"):
        read(site, None, {"A": "b"})
    with pytest.raises(UsageError, match="no such file or folder"):
        read(tmp_path / "none")
