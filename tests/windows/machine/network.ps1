# network.ps1: adapters, routes, and what HNS does to them.

$Metadata = '169.254.169.254/32'
$HnsData = 'C:\ProgramData\Microsoft\Windows\HNS\HNS.data'

function New-Route([string] $Prefix, [uint32] $Interface, [string] $NextHop = '10.0.0.1',
    [uint16] $Metric = 0) {
    $index = if ($M.Interfaces) { $M.Interfaces[[int] $Interface] }
    [pscustomobject] @{
        DestinationPrefix = $Prefix; ifIndex = $Interface; InterfaceIndex = $Interface; NextHop = $NextHop
        RouteMetric = $Metric
        InterfaceMetric = if ($index) { $index.Metric } else { 15 }
    }
}

function Initialize-Network {
    $M.Interfaces = @{ 4 = @{ Address = $M.NodeIp; Metric = 15 } }
    $M.Routes = @((New-Route '0.0.0.0/0' 4), (New-Route $Metadata 4))
    $M.HnsNetwork = $false; $M.HnsConfused = $false
}

function Restart-Network {
    # Windows starts without a container network; EC2Launch and DHCP put the routes back.
    $M.HnsNetwork = $false
    $M.Interfaces.Remove(9)
    if (-not $M.Interfaces.ContainsKey(4)) { $M.Interfaces[4] = @{ Address = $M.NodeIp; Metric = 15 } }
    $M.Routes = @($M.Routes | Where-Object {
        $_.ifIndex -ne 9 -and ($_.ifIndex -ne 4 -or $_.DestinationPrefix -ne '0.0.0.0/0')
    })
    $M.Routes += New-Route '0.0.0.0/0' 4
    if (-not (Test-Route $Metadata)) { $M.Routes += New-Route $Metadata 4 }
}

function New-HnsNetwork {
    # The machine's address moves to a virtual adapter, and routes that stood by the old one are gone
    # (ovn-kubernetes#3119).
    if ($M.HnsNetwork -or $M.HnsConfused) { return }
    $M.HnsNetwork = $true
    # Connections break, and ctr does not take up a download that had begun (rancher/rke2#5702).
    $M.Processes = @($M.Processes | Where-Object Name -NE 'ctr')
    $M.Interfaces[9] = $M.Interfaces[4]
    $M.Interfaces.Remove(4)
    $M.Routes = @($M.Routes | Where-Object { $_.ifIndex -ne 4 })
    $M.Routes += New-Route '0.0.0.0/0' 9
}

function Test-Route([string] $Prefix) { $Prefix -in @($M.Routes.DestinationPrefix) }

function Select-Matching($Objects, $Given, [string[]] $Properties) {
    foreach ($object in $Objects) {
        $right = $true
        foreach ($name in $Properties) {
            if ($Given.ContainsKey($name) -and $object.$name -notin $Given[$name]) { $right = $false }
        }
        if ($right) { $object }
    }
}

$Behaviours['Get-NetRoute'] = {
    param($Given)
    $found = @(Select-Matching $M.Routes $Given 'DestinationPrefix', 'InterfaceIndex', 'NextHop')
    if ($found) { return $found }
    Write-Error ("No MSFT_NetRoute objects found with property 'DestinationPrefix' equal to " +
        "'$($Given.DestinationPrefix)'.")
}
$Behaviours['Remove-NetRoute'] = {
    param($Given)
    $gone = if ($Given.InputObject) { $Given.InputObject } else {
        @(Select-Matching $M.Routes $Given 'DestinationPrefix', 'InterfaceIndex', 'NextHop')
    }
    if (-not $gone) { Write-Error 'No MSFT_NetRoute objects found.' }
    $M.Routes = @($M.Routes | Where-Object { $_ -notin $gone })
}
$Behaviours['New-NetRoute'] = {
    param($Given)
    if ($Given.PolicyStore -ne 'ActiveStore') {
        throw 'a persistent route outlives the adapter that it names (ovn-kubernetes#4587)'
    }
    $metric = [uint16] $Given.RouteMetric
    $route = New-Route $Given.DestinationPrefix $Given.InterfaceIndex $Given.NextHop $metric
    if (Select-Matching $M.Routes $Given 'DestinationPrefix', 'InterfaceIndex', 'NextHop') {
        Write-Error 'Instance MSFT_NetRoute already exists'
        return
    }
    if (-not $M.Interfaces.ContainsKey([int] $Given.InterfaceIndex)) {
        Write-Error 'Element not found.'
        return
    }
    $M.Routes += $route
    $route
}
$Behaviours['Get-NetIPAddress'] = {
    param($Given)
    $all = foreach ($item in $M.Interfaces.GetEnumerator()) {
        foreach ($address in $item.Value.Address) {
            [pscustomobject] @{
                IPAddress = $address; InterfaceIndex = [uint32] $item.Key; ifIndex = [uint32] $item.Key
                AddressFamily = 'IPv4'
                PrefixOrigin = 'Dhcp'; AddressState = 'Preferred'; SkipAsSource = $false; PrefixLength = 24
            }
        }
    }
    $found = @(Select-Matching $all $Given 'InterfaceIndex', 'IPAddress', 'AddressState', 'PrefixOrigin')
    if ($found) { return $found }
    Write-Error ("No MSFT_NetIPAddress objects found with property 'InterfaceIndex' equal to " +
        "'$($Given.InterfaceIndex)'.")
}
$Behaviours['Get-NetIPInterface'] = {
    param($Given)
    $all = foreach ($item in $M.Interfaces.GetEnumerator()) {
        [pscustomobject] @{ InterfaceIndex = [uint32] $item.Key; ifIndex = [uint32] $item.Key
            InterfaceMetric = $item.Value.Metric; AddressFamily = 'IPv4' }
    }
    $found = @(Select-Matching $all $Given 'InterfaceIndex')
    if ($found) { return $found }
    Write-Error "No MSFT_NetIPInterface objects found."
}
$Behaviours['Get-NetAdapter'] = {
    param($Given)
    foreach ($item in $M.Interfaces.GetEnumerator()) {
        [pscustomobject] @{ Name = "Ethernet $($item.Key)"; ifIndex = [uint32] $item.Key
            InterfaceIndex = [uint32] $item.Key; Status = 'Up' }
    }
}
