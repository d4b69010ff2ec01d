"""List the commands whose output a failure bundle holds, one row per file.

Paths are those of userdata/. Those of EC2Launch are from its user guide (v1 on Windows Server 2019, v2 from
2022 on).
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """One file of the bundle: its name, its content, and the command on the machine (sh or PowerShell)."""

    file: str
    what: str
    command: str


LINUX = (
    Source(
        file="cloud-init.txt",
        what="the output of user-data, and the status of cloud-init",
        command="cloud-init status --long; tail -n +1 /var/lib/microcosm/phases; tail -n 3000 "
        "/var/log/cloud-init-output.log; "
        "journalctl --unit='microcosm-*' --no-pager --lines=2000; "
        "tail -n 300 /var/log/cloud-init.log",
    ),
    Source(
        file="kubelet.txt",
        what="kubelet's journal",
        command="journalctl --unit=kubelet --no-pager --lines=3000",
    ),
    Source(
        file="containerd.txt",
        what="containerd's journal and configuration",
        command="journalctl --unit=containerd --no-pager --lines=2000; tail -n +1 "
        "/etc/containerd/config.toml /etc/containerd/conf.d/*.toml",
    ),
    Source(
        file="pods.txt",
        what="the last lines of every container, the latest written last",
        command="find /var/log/pods -name '*.log' -printf '%T@ %p\\n' | sort --numeric-sort | cut "
        "--fields=2 --delimiter=' ' "
        '| while read -r log; do echo "== ${log}"; tail -n 200 "${log}"; done',
    ),
    Source(
        file="routes.txt",
        what="addresses, routes and neighbours",
        command="ip address; ip route show table all; ip rule; ip neighbour; cat /etc/resolv.conf",
    ),
    Source(
        file="links.txt",
        what="links with their details, and the forwarding table of the VXLAN",
        command="ip -details -statistics link; bridge fdb show; tail -n +1 /run/flannel/subnet.env "
        "/run/cni/net.d/*",
    ),
    Source(
        file="iptables.txt",
        what="packet filter with its counters",
        command="iptables-save --counters; sysctl net.ipv4.ip_forward",
    ),
    Source(
        file="services.txt",
        what="failed services, processes, open ports",
        command="systemctl --failed --no-pager; systemctl status --no-pager --lines=0 containerd kubelet; "
        "ps axfww -o pid,etime,rss,args; ss -ltnup",
    ),
    Source(
        file="host.txt",
        what="system, memory, disk, clock and kernel messages",
        command="uname -a; uptime; free -m; df -h; timedatectl; dmesg | tail -n 300",
    ),
)

WINDOWS = (
    Source(
        file="node.txt",
        what="the node's script: its log, its state and its tasks",
        command=r"""Show-File 'C:\microcosm\node.log' 4000
Show-File 'C:\microcosm\state.json'
Get-ScheduledTask -TaskName microcosm-* | Get-ScheduledTaskInfo | Format-List""",
    ),
    Source(
        file="ec2launch.txt",
        what="the launch agent (v1 or v2) and the output of user-data",
        command=r"Show-File 'C:\ProgramData\Amazon\EC2-Windows\Launch\Log\*.log', "
        r"'C:\ProgramData\Amazon\EC2Launch\log\*.log'",
    ),
    Source(
        file="kubelet.txt",
        what="kubelet",
        command=r"Show-File 'C:\var\log\kubelet\*.log', 'C:\k\StartKubelet.ps1'",
    ),
    Source(
        file="containerd.txt",
        what="containerd, its configuration, and the image pulls that were begun early",
        command=r"""Show-File "$env:ProgramFiles\containerd\config.toml", 'C:\var\log\containerd\pull-*',
    'C:\var\log\containerd\containerd.log'""",
    ),
    Source(
        file="flanneld.txt",
        what="flanneld and the network configuration",
        command=r"Show-File 'C:\k\net-conf.json', 'C:\etc\cni\net.d\*', 'C:\var\log\flanneld\flanneld.log'",
    ),
    Source(
        file="kube-proxy.txt",
        what="kube-proxy and its source address",
        command=r"Show-File 'C:\k\source-vip.json', 'C:\var\log\kube-proxy\kube-proxy.log'",
    ),
    Source(
        file="pods.txt",
        what="the last lines of every container, the latest written last",
        command=r"""Get-ChildItem -Path C:\var\log\pods -Recurse -Filter *.log |
    Sort-Object -Property LastWriteTimeUtc |
    ForEach-Object { Show-File $_.FullName 200 }""",
    ),
    Source(
        file="hns-networks.txt",
        what="HNS networks (the overlay has type Overlay and VSID 4096)",
        command="hnsdiag list networks\nGet-HnsNetwork | ConvertTo-Json -Depth 20",
    ),
    Source(
        file="hns-endpoints.txt",
        what="HNS endpoints and load balancers",
        command="hnsdiag list endpoints\nhnsdiag list loadbalancers\nGet-HnsEndpoint | ConvertTo-Json "
        "-Depth 20",
    ),
    Source(
        file="routes.txt",
        what="addresses, routes (169.254.169.254 must be there) and the reach of the metadata service",
        command="""ipconfig /all
route print -4
Test-NetConnection -ComputerName 169.254.169.254 -Port 80 | Format-List
netsh interface ipv4 show excludedportrange protocol=tcp""",
    ),
    Source(
        file="services.txt",
        what="services, and the messages of the service manager",
        command="""Get-Service -Name 'containerd', 'kubelet', 'flanneld', 'kube-proxy', 'hns', 'vmcompute',
    'AmazonSSMAgent' |
    Format-Table -Property 'Name', 'Status', 'StartType'
Get-WinEvent -MaxEvents 200 -FilterHashtable @{
        LogName = 'System'; ProviderName = 'Service Control Manager' } |
    Format-List -Property 'TimeCreated', 'Message'""",
    ),
    Source(
        file="host.txt",
        what="Windows' build, uptime, memory, disk, clock, and errors of HNS",
        command=r"""Get-ItemProperty -Path 'HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion' |
    Format-List -Property 'ProductName', 'CurrentBuild', 'UBR'
Get-CimInstance -ClassName Win32_OperatingSystem |
    Format-List -Property 'LastBootUpTime', 'TotalVisibleMemorySize', 'FreePhysicalMemory'
Get-Volume | Format-Table -Property 'DriveLetter', 'Size', 'SizeRemaining'
w32tm /query /status
Get-WinEvent -MaxEvents 100 -LogName Microsoft-Windows-Host-Network-Service-Admin |
    Format-List -Property 'TimeCreated', 'Message'""",
    ),
)

SOURCES: Mapping[str, tuple[Source, ...]] = {"linux": LINUX, "windows": WINDOWS}
