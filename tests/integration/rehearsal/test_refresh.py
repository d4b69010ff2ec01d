"""The scenario `refresh` on simulated machines: the engine, the program and the command are real, and no
root is needed.
"""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rehearsal.project import CHECKOUT
from rehearsal.scenarios import refresh
from rehearsal.scenarios.life import Run
from rehearsal.simulated import World, simulated_world
from rehearsal.simulated.world import CONFIG
from tests.support import pulumi_cli


def session_of(world: World) -> Any:
    """The part of a rehearsal's session that the steps use."""
    boto3 = world.session()
    return SimpleNamespace(
        project=world.stack.folder,
        environment=world.stack.environment,
        run=world.stack.run,
        output=world.stack.output,
        boto3=boto3,
        endpoint=world.cloud.endpoint,
        client=lambda service: boto3.client(service, endpoint_url=world.cloud.endpoint),
        # Simulated machines download nothing.
        room={"mirror": "http://127.0.0.1:1", "registry": "http://127.0.0.1:1"},
        supplies=SimpleNamespace(bom=CHECKOUT / "bom" / f"{CONFIG.get('kubernetesVersion', '1.35.8')}.json"),
    )


@pytest.mark.engine
@pytest.mark.skipif(not pulumi_cli.is_there(), reason="no pulumi on PATH")
def test_nothing_changes_that_nobody_changed_and_the_second_extension_stands(tmp_path: Path):
    with simulated_world(tmp_path) as world:
        run = Run(session=session_of(world), say=print, tell=lambda line: None)
        for step in refresh.STEPS:
            print(step.name, step.act(run), flush=True)
