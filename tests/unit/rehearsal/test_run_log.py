"""What `pulumi` prints during a scenario is kept with the logs, each line with its time."""

import re
from contextlib import nullcontext
from types import SimpleNamespace

from rehearsal import runs
from rehearsal.scenarios import life


def test_each_line_of_pulumi_is_kept_with_its_time(tmp_path, monkeypatch):
    (tmp_path / "logs").mkdir()
    monkeypatch.setattr(runs, "kubeconfig_of", lambda session: nullcontext())

    def up(run):
        run.tell("+  aws:ec2:Vpc creating (0s)")
        return "done"

    runs._play((life.Step("up", "pulumi up", up),), SimpleNamespace(state=tmp_path))
    (line,) = (tmp_path / "logs" / "pulumi.log").read_text().splitlines()
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{6} \+  aws:ec2:Vpc creating \(0s\)", line)
