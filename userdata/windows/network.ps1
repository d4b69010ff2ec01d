# network.ps1: flanneld.exe, kube-proxy.exe and the routes that Windows loses when a container network is
# made.

$RouteScript = "$Root\metadata-routes.ps1"
$NetConfFile = 'C:\k\net-conf.json'

function Repair-MetadataRoute {
    # Runs every minute, on its own. Making an HNS network moves the machine's address to a virtual adapter
    # and drops the routes to EC2's link-local services: metadata, DNS, time, KMS (ovn-kubernetes#3119;
    # EC2Launch 2.3.56 does not put them back either, openshift/windows-machine-config-operator 0be4b9c,
    # test/e2e/delete_test.go). SSM needs the first of them. -ErrorAction each time: a function of a module
    # does not see the preference of the function that calls it.
    $default = Get-DefaultRoute
    if (-not $default) { throw 'there is no default route' }
    foreach ($last in 254, 253, 123, 249, 250, 251) {
        $route = @{ DestinationPrefix = "169.254.169.$last/32" }
        try {
            # One by another adapter could win over ours.
            $routes = @(Get-NetRoute @route -ErrorAction SilentlyContinue)
            $ours = @($routes | Where-Object {
                $_.ifIndex -eq $default.ifIndex -and $_.NextHop -eq $default.NextHop
            })
            $others = @($routes | Where-Object {
                $_.ifIndex -ne $default.ifIndex -or $_.NextHop -ne $default.NextHop
            })
            if ($others) { $others | Remove-NetRoute -Confirm:$false -ErrorAction SilentlyContinue }
            if ($ours) { continue }
            $route += @{ InterfaceIndex = $default.ifIndex; NextHop = $default.NextHop
                PolicyStore = 'ActiveStore' }
            New-NetRoute @route -ErrorAction Stop | Out-Null
        }
        catch { Write-Host "no route to 169.254.169.${last}: $_" }   # the others are needed all the same
    }
}

function Get-RouteText { Get-FunctionText 'Get-DefaultRoute', 'Repair-MetadataRoute' 'Repair-MetadataRoute' }

function Confirm-MetadataRoute {
    $default = Get-DefaultRoute
    $routes = Get-NetRoute -DestinationPrefix 169.254.169.254/32 -ErrorAction SilentlyContinue
    Assert-That ([bool] ($routes | Where-Object {
        $_.ifIndex -eq $default.ifIndex
    })) 'there is no route to the metadata service'
}

function Get-NetworkValue {
    @{ NODE_NAME = $NodeName; NODE_IP = Get-NodeIp; POD_CIDR = $PodCidr; SERVICE_CIDR = $ServiceCidr
        NODE_CIDR = $NodeCidr }
}

function Get-FlanneldArgument { $FlanneldArguments | ForEach-Object { Expand-Token $_ (Get-NetworkValue) } }

function Reset-Hns {
    # "The wrong diskette is in the drive" and its kind: HNS trips over what it remembers of networks that are
    # gone. Where its driver hangs, the service never stops (Azure/azure-container-networking#3343), and only
    # a restart helps.
    Stop-OneService 'flanneld'
    try { Stop-OneService 'hns' } catch { Restart-Windows "HNS hangs: $_" -Report }
    Remove-File "$env:ProgramData\Microsoft\Windows\HNS\HNS.data"
    Start-OneService 'hns'
    Start-OneService 'flanneld'
}

function Wait-Flannel {
    # Making the network takes the adapter away for some seconds; flanneld may die of that, and comes back.
    Wait-Until 'flanneld that is ready' 240 { Test-Http $FlannelReadyUrl } | Out-Null
}

function Install-Flannel {
    Install-Task 'microcosm-metadata-routes' $RouteScript 1 (Get-RouteText)
    Write-TextFile $NetConfFile $FlannelNetConf
    $settings = @{ AppEnvironmentExtra = "NODE_NAME=$NodeName" }
    Install-NssmService 'flanneld' 'C:\k\flanneld.exe' (Get-FlanneldArgument) $settings
    try { Wait-Flannel } catch { Write-Log "$_"; Reset-Hns; Wait-Flannel }
    Repair-MetadataRoute
    # Making the network broke the connection of a pull that had begun, and ctr does not try again
    # (rancher/rke2#5702). What is there already costs nothing.
    Stop-Program "$ContainerdFolder\ctr.exe"
    Start-ImagePull
    # Last: with it the node counts as ready for pods.
    Write-TextFile $ConflistFile (Expand-Token $Network.Conflist (Get-NetworkValue))
}

function Confirm-Flannel {
    Confirm-Text $ConflistFile (Expand-Token $Network.Conflist (Get-NetworkValue))
    Confirm-Text $NetConfFile $FlannelNetConf
    Confirm-Task 'microcosm-metadata-routes' $RouteScript (Get-RouteText)
    Confirm-NssmService 'flanneld' 'C:\k\flanneld.exe' (Get-FlanneldArgument)
    Wait-Until 'flanneld that is ready' 180 { Test-Http $FlannelReadyUrl } | Out-Null
    Wait-Until 'way to the metadata service' 90 { Confirm-MetadataRoute; $true } | Out-Null
}

function Invoke-HostLocal([string] $Command, [string] $Subnet) {
    # The same store that the pods' addresses come from, or a pod would get this one as well.
    $env:CNI_COMMAND, $env:CNI_CONTAINERID, $env:CNI_NETNS, $env:CNI_IFNAME = $Command, 'kube-proxy',
    'kube-proxy', 'source-vip'
    $env:CNI_PATH = $CniFolder
    $config = Expand-Token $HostLocalConfig @{ NETWORK = $Network.Name; SUBNET = $Subnet }
    try { Invoke-Native "$CniFolder\host-local.exe" @() $config }
    finally {
        # No other program is to see them.
        $env:CNI_COMMAND = $env:CNI_CONTAINERID = $env:CNI_NETNS = $env:CNI_IFNAME = $env:CNI_PATH = $null
    }
}

function Get-SourceVip {
    # One address for the node's life in a subnet: adding it a second time is refused (rancher/rke2#5704).
    $subnet = Get-PodSubnet
    $kept = Read-Json $SourceVipFile
    if ($kept -and $kept.PSObject.Properties['subnet'] -and $kept.subnet -eq $subnet) {
        $address = $kept.PSObject.Properties['address']
        if ($address -and $address.Value -match '^\d+(\.\d+){3}$') { return $address.Value }
    }
    Invoke-HostLocal 'DEL' $subnet | Out-Null
    $addresses = @((Invoke-HostLocal 'ADD' $subnet | ConvertFrom-Json).ips | ForEach-Object {
        ($_.address -split '/')[0]
    })
    $address = $addresses -match '^\d+(\.\d+){3}$' | Select-Object -First 1
    Assert-That ([bool] $address) "host-local gave no IPv4 address of ${subnet}: $addresses"
    Write-TextFile $SourceVipFile (ConvertTo-Json -Compress ([ordered] @{ subnet = $subnet
        address = $address }))
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

function Confirm-KubeProxy {
    # The subnet is the API's to give; at a start of Windows the API may be away for a while.
    $arguments = Wait-Until 'arguments of kube-proxy' 120 { Get-KubeProxyArgument }
    Confirm-NssmService 'kube-proxy' 'C:\k\kube-proxy.exe' $arguments
    Wait-Until 'kube-proxy that is healthy' 120 { Test-Http $KubeProxyHealthUrl } | Out-Null
}
