# network.ps1: flanneld.exe, kube-proxy.exe and the routes that Windows loses when a container network is made.

function Repair-MetadataRoute {
    # Runs every minute, on its own. Making an HNS network moves the machine's address to a virtual adapter and drops the
    # routes to EC2's link-local services: metadata, DNS, time, KMS (ovn-kubernetes#3119; EC2Launch 2.3.56 does not put them
    # back either, openshift/windows-machine-config-operator 0be4b9c, test/e2e/delete_test.go). SSM needs the first of them.
    # Said each time: what Windows has as functions of a module does not see the preference of the function that calls it.
    $default = Get-NetRoute -DestinationPrefix 0.0.0.0/0 -ErrorAction Stop | Sort-Object -Property RouteMetric | Select-Object -First 1
    foreach ($address in '169.254.169.254', '169.254.169.253', '169.254.169.123', '169.254.169.249', '169.254.169.250', '169.254.169.251') {
        $routes = @(Get-NetRoute -DestinationPrefix "$address/32" -ErrorAction SilentlyContinue)
        if ($routes | Where-Object { $_.ifIndex -eq $default.ifIndex -and $_.NextHop -eq $default.NextHop }) { continue }
        $routes | Remove-NetRoute -Confirm:$false -ErrorAction SilentlyContinue
        $route = @{ DestinationPrefix = "$address/32"; InterfaceIndex = $default.ifIndex; NextHop = $default.NextHop; PolicyStore = 'ActiveStore' }
        New-NetRoute @route -ErrorAction Stop | Out-Null
    }
}

function Install-RouteTask {
    $script = "$Root\metadata-routes.ps1"
    Write-TextFile $script (Get-FunctionText 'Repair-MetadataRoute' 'Repair-MetadataRoute')
    $run = New-ScheduledTaskAction -Execute powershell.exe -Argument "-NoProfile -ExecutionPolicy Bypass -File $script"
    $often = New-ScheduledTaskTrigger -Once -At (Get-Date) -RepetitionInterval (New-TimeSpan -Minutes 1)
    Register-ScheduledTask -TaskName microcosm-metadata-routes -Action $run -Trigger $often -User SYSTEM -RunLevel Highest -Force | Out-Null
}

function Test-MetadataRoute {
    [bool] (Get-NetRoute -DestinationPrefix 169.254.169.254/32 -ErrorAction SilentlyContinue)
}

function Get-NetworkValue {
    @{ NODE_NAME = $NodeName; NODE_IP = Get-NodeIp; POD_CIDR = $PodCidr; SERVICE_CIDR = $ServiceCidr; NODE_CIDR = $NodeCidr }
}

function Reset-Hns {
    # "The wrong diskette is in the drive" and its kind: HNS trips over what it remembers of networks that are gone.
    Stop-Service -Name flanneld -Force
    Stop-Service -Name hns -Force
    Remove-Item -Force -Path "$env:ProgramData\Microsoft\Windows\HNS\HNS.data" -ErrorAction SilentlyContinue
    Start-Service -Name hns
    Start-Service -Name flanneld
}

function Wait-Flannel {
    # Making the network takes the adapter away for some seconds; flanneld may die of that, and comes back.
    Wait-Until 'flanneld that is ready' 240 { Test-Http $FlannelReadyUrl } | Out-Null
}

function Install-Flannel {
    Install-RouteTask
    Write-TextFile 'C:\k\net-conf.json' (Expand-Token $Network.NetConf (Get-NetworkValue))
    $arguments = $FlanneldArguments | ForEach-Object { Expand-Token $_ (Get-NetworkValue) }
    Install-NssmService 'flanneld' 'C:\k\flanneld.exe' $arguments @{ AppEnvironmentExtra = "NODE_NAME=$NodeName" }
    try { Wait-Flannel } catch { Write-Log "$_"; Reset-Hns; Wait-Flannel }
    Repair-MetadataRoute
    # Last: with it the node counts as ready for pods.
    Write-TextFile $ConflistFile (Expand-Token $Network.Conflist (Get-NetworkValue))
}

function Test-Flannel {
    (Test-Path $ConflistFile) -and (Test-Service 'flanneld') -and (Test-Within 180 { Test-Http $FlannelReadyUrl }) -and (Test-Within 90 { Test-MetadataRoute })
}

function Invoke-HostLocal([string] $Command, [string] $Subnet) {
    # The same store that the pods' addresses come from, or a pod would get this one as well.
    $env:CNI_COMMAND = $Command
    $env:CNI_CONTAINERID = 'kube-proxy'
    $env:CNI_NETNS = 'kube-proxy'
    $env:CNI_IFNAME = 'source-vip'
    $env:CNI_PATH = 'C:\opt\cni\bin'
    Invoke-Native 'C:\opt\cni\bin\host-local.exe' @() (Expand-Token $HostLocalConfig @{ NETWORK = $Network.Name; SUBNET = $Subnet })
}

function Get-SourceVip {
    # One address for the node's life in a subnet: adding it a second time is refused (rancher/rke2#5704).
    $subnet = (Get-Node).spec.podCIDR
    $kept = if (Test-Path $SourceVipFile) { Read-TextFile $SourceVipFile | ConvertFrom-Json }
    if ($kept -and $kept.subnet -eq $subnet) { return $kept.address }
    Invoke-HostLocal 'DEL' $subnet | Out-Null
    $address = ((Invoke-HostLocal 'ADD' $subnet | ConvertFrom-Json).ips[0].address -split '/')[0]
    Write-TextFile $SourceVipFile (ConvertTo-Json -Compress @{ subnet = $subnet; address = $address })
    $address
}

function Get-KubeProxyArgument {
    $values = (Get-NetworkValue) + @{ NETWORK = $Network.Name }
    if ($Network.KubeProxyArguments) { $values.SOURCE_VIP = Get-SourceVip }
    $KubeProxyArguments + $Network.KubeProxyArguments | ForEach-Object { Expand-Token $_ $values }
}

function Install-KubeProxy {
    Install-NssmService 'kube-proxy' 'C:\k\kube-proxy.exe' (Get-KubeProxyArgument)
    Wait-Until 'kube-proxy that is healthy' 180 { Test-Http $KubeProxyHealthUrl } | Out-Null
}

function Test-KubeProxy {
    (Test-Service 'kube-proxy') -and (Test-Within 120 { Test-Http $KubeProxyHealthUrl })
}
