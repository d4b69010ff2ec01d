"""Cache the metadata of each instance and renew its credentials."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from rehearsal.hosts.cloud import Cloud
from rehearsal.hosts.imds import Facts
from rehearsal.hosts.model import Instance

_log = logging.getLogger(__name__)

_RENEW_BEFORE = timedelta(minutes=15)
_Answer = TypeVar("_Answer")


class MetadataCache:
    """Metadata by instance. AWS is called in threads, because boto3 blocks."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._facts: dict[str, Facts] = {}
        self._complaint = ""

    async def call(self, call: Callable[[], _Answer]) -> _Answer | None:
        """Call AWS; on failure return None and log the reason once, however often the call is repeated."""
        try:
            answer = await asyncio.to_thread(call)
        except (BotoCoreError, ClientError) as error:
            if str(error) != self._complaint:
                _log.warning("AWS: %s", error)
            self._complaint = str(error)
            return None
        self._complaint = ""
        return answer

    async def load(self, instance: Instance) -> None:
        """Read everything that a machine may request when it starts."""
        launch = await asyncio.to_thread(self._cloud.launch, instance)
        credentials = await asyncio.to_thread(self._cloud.credentials, instance)
        self._facts[instance.id] = Facts(instance=instance, launch=launch, credentials=credentials)

    def update(self, instances: Mapping[str, Instance]) -> None:
        """Replace the instances by their present state: tags, addresses and metadata options change."""
        for id in self._facts.keys() & instances.keys():
            self._facts[id] = replace(self._facts[id], instance=instances[id])

    async def renew_credentials(self) -> None:
        """Renew credentials that expire soon, and get those of instances whose role was added after the
        launch.
        """
        for id in [id for id, facts in self._facts.items() if _due(facts)]:
            instance = self._facts[id].instance
            credentials = await self.call(lambda instance=instance: self._cloud.credentials(instance))
            if credentials and id in self._facts:
                self._facts[id] = replace(self._facts[id], credentials=credentials)

    def facts_of(self, vpc_id: str, address: str) -> Facts | None:
        """Return the metadata of the instance with this address in the VPC.

        A new instance may get the address of one that has been terminated and is still being taken down here:
        the last one that was loaded has it.
        """
        here = (facts for facts in reversed(self._facts.values()) if facts.instance.subnet.vpc_id == vpc_id)
        return next((facts for facts in here if str(facts.instance.private_ip) == address), None)

    def terminates_on_shutdown(self, id: str) -> bool:
        return id in self._facts and self._facts[id].launch.terminate_on_shutdown

    def forget(self, id: str) -> None:
        self._facts.pop(id, None)


def _due(facts: Facts) -> bool:
    if not facts.instance.profile_arn:
        return False
    return facts.credentials is None or facts.credentials.expires - datetime.now(UTC) < _RENEW_BEFORE
