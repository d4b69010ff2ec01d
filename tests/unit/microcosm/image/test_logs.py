"""Logs that LogMonitor brings to stdout. Rows L1 and L3."""

import pytest

from microcosm.image import start
from tests.support.services import assembly, config, subject

LOG4NET = "<log4net><appender><file value='{}'/></appender></log4net>"
NLOG = "<nlog><targets><target fileName='{}'/></targets></nlog>"
FILES = {
    "log4net in web.config": ({"web.config": config(LOG4NET.format("Logs\\shop.log"))}, "Logs", "*.log"),
    "NLog in its own file": (
        {"web.config": config(), "NLog.config": NLOG.format("${basedir}/audit/${shortdate}.txt")},
        "audit",
        "*.txt",
    ),
    "a file without an ending": ({"web.config": config(LOG4NET.format("trace\\shop"))}, "trace", "*"),
}


def sources(one):
    return start.log_config(one)["LogConfig"]["sources"]


@pytest.mark.parametrize("case", FILES)
def test_a_log_file_of_the_service_is_followed_in_a_folder_that_is_in_the_layer(case):
    files, folder, pattern = FILES[case]
    one = subject(files)
    followed = {"type": "File", "directory": f"C:\\inetpub\\wwwroot\\{folder}", "filter": pattern}
    assert followed in sources(one)
    assert f"inetpub/wwwroot/{folder}" in start.writable_folders(one)


def test_a_program_has_no_logs_of_iis_and_its_own_folder_is_made():
    one = subject({"shop.exe.config": config(LOG4NET.format("log\\a.log"))}, assembly("shop.exe"))
    assert [source.get("directory") for source in sources(one)] == [None, "C:\\app\\log"]
    assert start.writable_folders(one) == ["app/log"]


def test_a_file_outside_of_the_service_is_not_followed():
    one = subject({"web.config": config(LOG4NET.format("D:\\logs\\shop.log"))})
    assert [source.get("directory") for source in sources(one)] == [None, "C:\\inetpub\\logs\\LogFiles"]
