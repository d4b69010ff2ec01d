"""Reconcile the machines with the fake cloud's instances until the host is stopped."""

import asyncio
import logging
import os
import secrets
import shutil
import ssl
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trustme
from botocore.exceptions import BotoCoreError, ClientError

from rehearsal.hosts import firewall, host
from rehearsal.hosts.cloud import Cloud
from rehearsal.hosts.elastic_ips import ElasticIps, Target, raise_file_limit
from rehearsal.hosts.errors import MachineHostError
from rehearsal.hosts.imds import Tokens
from rehearsal.hosts.known import MetadataCache
from rehearsal.hosts.layout import MIRROR_URL, REGISTRY_URL, Layout
from rehearsal.hosts.linux import Linux
from rehearsal.hosts.machine import Machine
from rehearsal.hosts.model import Instance, Snapshot
from rehearsal.hosts.reconcile import Action, Status, reconcile
from rehearsal.hosts.record import MachineRecord, Recorder
from rehearsal.hosts.servers import Shared
from rehearsal.hosts.vpcs import Vpcs
from rehearsal.hosts.windows import Windows

_log = logging.getLogger(__name__)

_POLL_SECONDS = 0.3
_Action = Callable[[Machine], Coroutine[Any, Any, None]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """The inputs of a machine host."""

    aws_endpoint: str
    region: str
    root: Path
    artifacts: Path
    registry: Path
    state: Path


class MachineHost:
    """The machines of all instances and the services that they share."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._layout = Layout(options.state)
        self._cloud = Cloud(options.aws_endpoint, options.region)
        self._ca = trustme.CA(organization_name="Microcosm rehearsal (stand-in for AWS)")
        self._machines: dict[str, Machine] = {}
        self._metadata = MetadataCache(self._cloud)
        self._snapshot = Snapshot(instances={}, addresses={}, ingress={})
        self._elastic_ips = ElasticIps()
        self._vpcs = Vpcs(self._layout, self._shared(), self._metadata.facts_of)
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._recorder = Recorder(self._layout.record)
        self._actions: dict[Action, _Action] = {
            Action.BOOT: self._boot,
            Action.POWER_OFF: self._power_off,
            Action.REMOVE: self._remove,
            Action.REPORT_SHUTDOWN: self._report_shutdown,
        }

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set, then remove everything."""
        self._set_up()
        try:
            while not stop.is_set():
                await self._turn()
                await _first_of(stop, self._wake)
                self._wake.clear()
        finally:
            await self._tear_down()

    def _set_up(self) -> None:
        raise_file_limit()
        host.load_modules()
        host.adjust(self._layout.sysctls)
        for folder in (self._layout.machines, self._layout.trash):
            folder.mkdir(exist_ok=True, mode=0o700)
        self._ca.cert_pem.write_to_path(str(self._layout.ca))
        self._record()
        _log.info("the machine host is ready: %s", self._layout.state)

    def _shared(self) -> Shared:
        region = self._options.region
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._ca.issue_cert(
            "*.amazonaws.com", f"*.{region}.amazonaws.com", f"*.s3.{region}.amazonaws.com"
        ).configure_cert(tls)
        return Shared(
            aws_endpoint=self._options.aws_endpoint,
            tls=tls,
            artifacts=self._options.artifacts,
            mirror_faults=self._layout.mirror_faults,
            images=self._options.registry,
            tokens=Tokens(secrets.token_bytes(32)),
        )

    async def _turn(self) -> None:
        snapshot = await self._metadata.call(self._cloud.poll)
        if snapshot is None:
            return
        self._snapshot = snapshot
        self._metadata.update(snapshot.instances)
        statuses = {id: machine.status for id, machine in self._machines.items()}
        for id, action in reconcile(snapshot.instances, statuses).items():
            self._begin(id, action)
        for id, machine in [*self._machines.items()]:
            if machine.needs_power_cut():
                self._begin(id, Action.POWER_OFF)
        await self._vpcs.apply_security_groups(snapshot.instances.values(), snapshot.ingress)
        self._elastic_ips.update(self._targets())
        await self._metadata.renew_credentials()
        self._record()

    def _begin(self, id: str, action: Action) -> None:
        machine = self._machines.get(id) or self._new_machine(self._snapshot.instances[id])
        self._machines[id] = machine
        _log.info("%s (%s): %s", machine.instance.node, id, action.name.lower().replace("_", " "))
        machine.status = Status.BUSY
        self._spawn(self._try(machine, self._actions[action]))

    def _new_machine(self, instance: Instance) -> Machine:
        kind = (
            Windows(self._layout)
            if instance.family == "windows"
            else Linux(self._options.root, self._ca.cert_pem.bytes())
        )
        return Machine(instance, kind, self._layout, self._wake.set)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _try(self, machine: Machine, action: _Action) -> None:
        try:
            await action(machine)
        except Exception:  # One failing machine must not end the host. Later actions on it are still tried.
            _log.exception("%s (%s) failed", machine.instance.node, machine.instance.id)
            machine.status = Status.BROKEN
        self._wake.set()

    async def _boot(self, machine: Machine) -> None:
        instance = machine.instance
        try:
            await self._metadata.load(instance)
            # After a reboot the interfaces and rules of the last boot are still there.
            await self._vpcs.detach(instance.id)
            await machine.boot(await self._vpcs.attach(instance))
        except (MachineHostError, OSError, BotoCoreError, ClientError) as error:
            _log.error("%s (%s) cannot boot, so it is terminated: %s", instance.node, instance.id, error)
            machine.status = Status.BROKEN
            await self._metadata.call(lambda: self._cloud.shut_down(instance.id, terminate=True))

    async def _power_off(self, machine: Machine) -> None:
        await machine.power_off()
        await self._vpcs.detach(machine.instance.id)

    async def _remove(self, machine: Machine) -> None:
        await machine.remove()
        await self._vpcs.detach(machine.instance.id)
        self._metadata.forget(machine.instance.id)
        del self._machines[machine.instance.id]
        if machine.trash.exists():
            self._spawn(_discard(machine.trash))

    async def _report_shutdown(self, machine: Machine) -> None:
        id = machine.instance.id
        terminate = self._metadata.terminates_on_shutdown(id)
        await self._metadata.call(lambda: self._cloud.shut_down(id, terminate=terminate))
        machine.status = Status.ENDED

    def _targets(self) -> dict[str, Target]:
        """Return the Elastic IPs of instances in open VPCs, with their ports."""
        found: dict[str, Target] = {}
        for ip, id in self._snapshot.addresses.items():
            instance = self._snapshot.instances.get(id)
            namespace = self._vpcs.namespace_of(instance.subnet.vpc_id) if instance else None
            if instance and namespace:
                found[ip] = Target(
                    namespace, instance.private_ip, firewall.host_ports(instance, self._snapshot.ingress)
                )
        return found

    def _record(self) -> None:
        machines: dict[str, MachineRecord] = {
            id: {
                "node": machine.instance.node,
                "ip": str(machine.instance.private_ip),
                "netns": self._layout.namespace(id),
                "leader": machine.leader,
                "os": machine.instance.family,
            }
            for id, machine in self._machines.items()
        }
        self._recorder.write(
            {
                "pid": os.getpid(),
                "mirror": MIRROR_URL,
                "registry": REGISTRY_URL,
                "ca": str(self._layout.ca),
                "machines": machines,
            }
        )

    async def _tear_down(self) -> None:
        await asyncio.gather(*self._tasks)
        self._elastic_ips.close()
        for machine in self._machines.values():
            self._spawn(self._try(machine, self._remove))
        while self._tasks:
            await asyncio.gather(*self._tasks)
        host.restore(self._layout.sysctls)
        self._layout.record.unlink()
        _log.info("the machine host has stopped")


async def _discard(folder: Path) -> None:
    try:
        await asyncio.to_thread(shutil.rmtree, folder)
    except OSError as error:
        _log.error("%s could not be deleted: %s", folder, error)


async def _first_of(*events: asyncio.Event) -> None:
    """Sleep until one of the events is set, at most for the time of one poll."""
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    await asyncio.wait(waiting, timeout=_POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    for waiter in waiting:
        waiter.cancel()
