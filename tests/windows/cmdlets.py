"""The cmdlets that the scripts call, on the state of a Windows machine. Named as in PowerShell, with _ for the hyphen."""

import json
from collections.abc import Callable
from pathlib import PureWindowsPath
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from .values import PsError, PsObject

if TYPE_CHECKING:
    from .machine import Windows

_QUIET = "Start-Transcript Set-StrictMode Push-Location Pop-Location Write-Host Out-Null"
METADATA = "169.254.169.254/32"
PREPARE_NODE = "c:\\microcosm\\downloads\\preparenode.ps1"


class Cmdlets:
    """Mixed into Windows."""

    def cmdlets(self: "Windows") -> dict[str, Callable[..., Any]]:
        named = {name.replace("_", "-"): getattr(self, name) for name in vars(Cmdlets) if name[0].isupper()}
        return {name: lambda *_, **__: None for name in _QUIET.split()} | named | {PREPARE_NODE: self.prepare_node}

    def _role(self: "Windows") -> None:
        """The instance role's credentials come from the metadata service."""
        if METADATA not in self.routes:
            raise PsError("no credentials: the metadata service cannot be reached")

    # --- files ---

    def Import_Clixml(self: "Windows", path: str) -> dict[str, Any]:
        return self.inputs

    def Export_Clixml(self: "Windows", inputobject: dict[str, Any], path: str, depth: int) -> None:
        self.inputs = inputobject

    def Test_Path(self: "Windows", path: str) -> bool:
        return self.runs("containerd") if path.startswith("\\\\.\\pipe") else path.lower() in self.files

    def Split_Path(self: "Windows", path: str) -> str:
        return str(PureWindowsPath(path).parent)

    def Get_FileHash(self: "Windows", path: str, algorithm: str) -> dict[str, str]:
        from .machine import digest

        return {"Hash": digest(self.need(path)).upper()}

    def Move_Item(self: "Windows", path: str, destination: str, force: bool) -> None:
        self.files[destination.lower()] = self.files.pop(path.lower())

    def Copy_Item(self: "Windows", path: str, destination: str, force: bool) -> None:
        self.files[destination.lower()] = self.need(path)

    def Remove_Item(self: "Windows", path: str, **_: Any) -> None:
        prefix = path.lower().rstrip("*")
        for name in [name for name in self.files if name == prefix or (path.endswith("*") and name.startswith(prefix))]:
            del self.files[name]

    def New_Item(self: "Windows", path: str, itemtype: str = "", value: Any = None, **_: Any) -> None:
        if itemtype == "File":
            self.files[path.lower()] = value

    def Get_Content(self: "Windows", path: str, **_: Any) -> str:
        return self.need(path)

    def Get_Item(self: "Windows", path: str) -> Any:
        if not path.startswith("function:"):
            return SimpleNamespace(Delete=lambda: self.files.pop(path.lower()) and None)
        return {"Definition": self.shell.functions[path.split(":")[1].lower()].body.text}

    # --- the shell itself ---

    def Set_Variable(self: "Windows", name: str, value: Any) -> None:
        self.shell.scopes[0][name.lower()] = value

    def Get_Variable(self: "Windows", name: str) -> dict[str, Any]:
        return {"Value": self.shell.scopes[0][name.lower()]}

    def Get_Date(self: "Windows") -> Any:
        return self.now()

    def Measure_Command(self: "Windows", block: Any) -> dict[str, float]:
        began = self.clock
        self.shell.statements(block.body)
        return {"TotalSeconds": self.clock - began}

    def Start_Sleep(self: "Windows", seconds: float) -> None:
        self.sleep(seconds)

    def Select_Object(self: "Windows", pipe: list[Any], first: int = 0, last: int = 0) -> list[Any]:
        return pipe[:first] if first else pipe[-last:]

    def Sort_Object(self: "Windows", pipe: list[Any], property: str) -> list[Any]:
        return pipe

    def ConvertFrom_Json(self: "Windows", pipe: list[str]) -> Any:
        return json.loads("\n".join(pipe), object_hook=PsObject)

    def ConvertTo_Json(self: "Windows", value: Any = None, pipe: list[Any] | None = None, **_: Any) -> str:
        return json.dumps(value if pipe is None else pipe[0])

    # --- services, tasks, settings ---

    def Stop_Computer(self: "Windows", force: bool) -> None:
        self.log.append("stop")

    def Get_Service(self: "Windows", name: str, **_: Any) -> Any:
        return self.services.get(name)

    def Set_Service(self: "Windows", name: str, startuptype: str) -> None:
        self.services[name].StartType = startuptype

    def Start_Service(self: "Windows", name: str) -> None:
        if name == "hns" and "c:\\programdata\\microsoft\\windows\\hns\\hns.data" not in self.files:
            self.hns_confused = False
        self.start(name)

    def Stop_Service(self: "Windows", name: str, force: bool) -> None:
        self.services[name].Status = "Stopped"
        if name == "containerd" and "kubelet" in self.services:
            self.services["kubelet"].Status = "Stopped"  # it depends on containerd, as PrepareNode.ps1 sets it

    def Restart_Service(self: "Windows", name: str, force: bool) -> None:
        self.start(name)

    def Start_Process(self: "Windows", filepath: str, argumentlist: list[str], **_: Any) -> None:
        self.log.append(" ".join(["start", PureWindowsPath(filepath).name, *argumentlist]))

    def New_TimeSpan(self: "Windows", minutes: int) -> str:
        return f"{minutes} min"

    def New_ScheduledTaskAction(self: "Windows", execute: str, argument: str) -> str:
        return f"{execute} {argument}"

    def New_ScheduledTaskTrigger(self: "Windows", atstartup: bool = False, once: bool = False, repetitioninterval: str = "", **_: Any) -> str:
        return "at startup" if atstartup else f"every {repetitioninterval}"

    def New_ScheduledTaskSettingsSet(self: "Windows", multipleinstances: str, executiontimelimit: int) -> str:
        return f"{multipleinstances}, {'no limit' if executiontimelimit == 0 else executiontimelimit}"

    def Register_ScheduledTask(self: "Windows", taskname: str, action: str, trigger: str, user: str, settings: str = "", **_: Any) -> None:
        self.tasks[taskname] = "; ".join(filter(None, (trigger, settings, user, action)))

    def Start_ScheduledTask(self: "Windows", taskname: str) -> None:
        self.log.append(f"start task {taskname}")

    def Get_ItemProperty(self: "Windows", path: str) -> dict[str, int]:
        return {"BootId": self.boot, "CurrentBuildNumber": self.build}

    def New_ItemProperty(self: "Windows", path: str, name: str, value: Any, propertytype: str, force: bool) -> None:
        self.registry[name] = value
        self.registry_keys[name] = f"{path}\\{name} {propertytype}"

    def Add_MpPreference(self: "Windows", exclusionprocess: list[str]) -> None:
        self.excluded = exclusionprocess

    def Remove_NetFirewallRule(self: "Windows", name: str, **_: Any) -> None:
        self.firewall.pop(name, None)

    def New_NetFirewallRule(self: "Windows", name: str, protocol: str, localport: str, direction: str, action: str, **_: Any) -> None:
        if name in self.firewall:
            raise PsError("the rule exists")
        self.firewall[name] = f"{action} {direction} {protocol} {localport}"

    def Get_WindowsFeature(self: "Windows", name: str) -> dict[str, str]:
        return {"InstallState": self.feature}

    def Install_WindowsFeature(self: "Windows", name: str) -> None:
        if name != "Containers":
            raise PsError(f"{name} cannot be installed: The processor does not have the required virtualization capabilities")
        self.feature = self.feature_after_install

    def Restart_Computer(self: "Windows", force: bool) -> None:
        self.restarting = True

    # --- network and AWS ---

    def Invoke_WebRequest(self: "Windows", uri: str, outfile: str = "", **_: Any) -> dict[str, int]:
        if outfile and uri in self.web:
            self.files[outfile.lower()] = self.web[uri]
        elif outfile or not self.answers(uri):
            raise PsError(f"{uri} does not answer")
        return {"StatusCode": 200}

    def Get_NetRoute(self: "Windows", destinationprefix: str, **_: Any) -> dict[str, Any] | None:
        adapter = "the old one" if destinationprefix in self.stale_routes else 9 if self.hns_network else 4
        found = destinationprefix in self.routes | self.stale_routes
        return {"DestinationPrefix": destinationprefix, "ifIndex": adapter, "NextHop": "10.0.0.1"} if found else None

    def Remove_NetRoute(self: "Windows", pipe: list[dict[str, Any]], **_: Any) -> None:
        for route in pipe:
            self.stale_routes.discard(route["DestinationPrefix"])
            self.routes.discard(route["DestinationPrefix"])

    def New_NetRoute(self: "Windows", destinationprefix: str, interfaceindex: Any, nexthop: str, policystore: str, **_: Any) -> None:
        if policystore != "ActiveStore":
            raise PsError("a persistent route outlives the adapter that it names")
        if destinationprefix in self.routes | self.stale_routes:
            raise PsError("Instance MSFT_NetRoute already exists")
        self.routes.add(destinationprefix)

    def Get_NetIPAddress(self: "Windows", **_: Any) -> dict[str, str]:
        return {"IPAddress": "10.0.3.7"}

    def Get_EC2InstanceMetadata(self: "Windows", category: str) -> str:
        self._role()
        return "i-0win"

    def Write_SSMParameter(self: "Windows", name: str, value: str, **_: Any) -> None:
        self._role()
        self.parameters[name] = value
        self.reports.append(json.loads(value))

    def Get_SSMParameter(self: "Windows", name: str, **_: Any) -> dict[str, str]:
        self._role()
        return {"Value": self.parameters[name]}

    def Read_S3Object(self: "Windows", bucketname: str, key: str, file: str, **_: Any) -> None:
        self._role()
        self.files[file.lower()] = self.web[f"s3://{bucketname}/{key}"]
