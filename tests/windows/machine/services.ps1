# services.ps1: the service control manager, and Windows' own end and restart.

class Service {
    # What Get-Service gives: a picture of the moment, as .NET's ServiceController until its Refresh.
    [string] $Name; [string] $DisplayName; [string] $Status; [string] $StartType
    hidden [hashtable] $Live
    [void] Refresh() { $this.Status = $this.Live.Status; $this.StartType = $this.Live.StartType }
    [void] WaitForStatus([string] $Wanted, [TimeSpan] $Limit) {
        for ($left = $Limit.TotalSeconds; $this.Live.Status -ne $Wanted; $left -= 0.25) {
            if ($left -le 0) {
                throw [TimeoutException] 'Time out has expired and the operation has not been completed.'
            }
            Step-Clock 0.25
        }
        $this.Refresh()
    }
    [void] WaitForStatus([string] $Wanted) {
        for ($left = 86400; $this.Live.Status -ne $Wanted; $left -= 1) {
            if ($left -le 0) { Stop-Hung "WaitForStatus of $($this.Name)" }
            Step-Clock 1
        }
        $this.Refresh()
    }
    [void] Start() { Start-One $this.Name }
    [void] Stop() { Stop-One $this.Name }
}

function Add-Service([string] $Name, [string] $Program, [string] $StartType = 'Automatic',
    [string] $Status = 'Stopped') {
    if ($M.Services.ContainsKey($Name)) { throw "The specified service already exists." }
    $M.Services[$Name] = @{
        Name = $Name; Program = $Program; StartType = $StartType; Status = $Status; Settings = @{}
        Marked = $false
        StartTakes = 1; StopTakes = 1; DependsOn = @(); Arguments = @(); Failure = ''
    }
}

function Remove-Service([string] $Name) {
    # Marked for deletion until it has stopped and every handle is closed (Windows SDK, DeleteService).
    if ($M.Services[$Name].Status -eq 'Stopped') { $M.Services.Remove($Name) } else {
        $M.Services[$Name].Marked = $true
    }
}

function Find-Service([string] $Name) {
    if ($M.Services.ContainsKey($Name)) { return $M.Services[$Name] }
    Write-Error "Cannot find any service with service name '$Name'."
}

function Get-ServiceKey([string] $Path) {
    # A service's key of the registry, and the one below it that nssm writes (nssm, registry.h). containerd
    # registers itself with its own arguments, each in quotes where it has a blank (containerd v2.2.7,
    # service_windows.go).
    if ($Path -notmatch '^HKLM:\\SYSTEM\\CurrentControlSet\\Services\\([^\\]+)(\\Parameters)?$') { return }
    $service = $M.Services[$Matches[1]]
    if (-not $service) { return }
    if ($Matches[2]) { return $(if ($service.Nssm) { $service.Settings }) }
    $words = @($service.Arguments | Where-Object { $_ -ne '--register-service' })
    $line = @($(if ($service.Nssm) { 'C:\Program Files\nssm\nssm.exe' } else { $service.Program })) + $words
    @{ ImagePath = ($line | ForEach-Object { if ($_ -match '\s') { "`"$_`"" } else { $_ } }) -join ' ' }
}

function Test-Running([string] $Name) {
    $M.Services.ContainsKey($Name) -and $M.Services[$Name].Status -eq 'Running'
}

function Get-RunningProgram {
    # The programs that Windows holds open: those of services that are not stopped, and of processes.
    foreach ($service in $M.Services.Values) {
        if ($service.Status -eq 'Stopped') { continue }
        $service.Program
        if ($service.Nssm) { 'C:\Program Files\nssm\nssm.exe' }
        if ($service.Name -eq 'kubelet') { 'C:\k\kubelet.exe' }
    }
    $M.Processes.Path
}

function Set-Status($Service, [string] $Pending, [string] $Then, [double] $Takes) {
    $Service.Status = $Pending
    Add-Event $Takes -With @{ Service = $Service; Pending = $Pending; Then = $Then } {
        param($M, $Of)
        if ($Of.Service.Status -ne $Of.Pending) { return }
        $Of.Service.Status = $Of.Then
        if ($Of.Then -eq 'Running') { Enter-Service $Of.Service }
        elseif ($Of.Service.Marked) { $M.Services.Remove($Of.Service.Name) }
    }
}

function Start-One([string] $Name) {
    $service = $M.Services[$Name]
    if ($service.StartType -eq 'Disabled') { throw "Cannot start service $Name on computer '.'." }
    foreach ($other in $service.DependsOn) {
        if (-not $M.Services.ContainsKey($other)) { throw "Cannot start service $Name on computer '.'." }
        if ($M.Services[$other].Status -eq 'Stopped') { Start-One $other }
    }
    if ($service.Status -eq 'Stopped') { Enter-Start $service }
}

function Enter-Start($Service) {
    if ($Service.StartTakes -le 1) { $Service.Status = 'Running'; Enter-Service $Service }
    else { Set-Status $Service 'StartPending' 'Running' $Service.StartTakes }
}

function Stop-One([string] $Name) {
    $service = $M.Services[$Name]
    if ($service.Status -eq 'Stopped') { return }
    foreach ($other in @($M.Services.Values)) { if ($Name -in $other.DependsOn) { Stop-One $other.Name } }
    if ($service.StopTakes -gt 1) { Set-Status $service 'StopPending' 'Stopped' $service.StopTakes; return }
    $service.Status = 'Stopped'
    if ($service.Marked) { $M.Services.Remove($Name) }
}

function Enter-Service($Service) {
    # What a program does once its service runs; one that ends at once stops the service, or nssm pauses it.
    $ends = Start-ServiceProgram $Service
    if (-not $ends) { return }
    if (-not $Service.Nssm) { $Service.Status = 'Stopped'; return }
    # nssm waits AppThrottle milliseconds, longer each time, and reports Paused meanwhile (nssm service.cpp,
    # throttle_restart).
    if ("$($Service.Settings.AppThrottle)" -ne '0') { $Service.Status = 'Paused' }
}

function Wait-Pending($Service, [string] $Wanted, [string] $Pending, [string] $Cmdlet) {
    # As ServiceOperationBaseCommand.DoWaitForStatus: while it is pending without end, else an error
    # (PowerShell/PowerShell, Commands.Management/commands/management/Service.cs).
    for ($waited = 0; $Service.Status -eq $Pending; $waited += 2) {
        if ($waited -gt $HangSeconds) { Stop-Hung "$Cmdlet $($Service.Name)" }
        Step-Clock 2
    }
    if ($Service.Status -ne $Wanted) {
        Write-Error "Failed to $($Cmdlet -replace '-Service') service '$($Service.Name)'."
    }
}

function Get-Named($Given) {
    foreach ($name in $Given.Name) { if ($service = Find-Service $name) { $service } }
    foreach ($object in $Given.InputObject) { $object.Live }
}

function Restart-ServiceManager {
    foreach ($service in @($M.Services.Values)) {
        $service.Status = 'Stopped'
        if ($service.Marked) { $M.Services.Remove($service.Name) }
    }
    foreach ($service in @($M.Services.Values)) {
        if ($service.StartType -ne 'Automatic') { continue }
        try { Start-One $service.Name } catch { $M.Console.Add("$_") }
    }
}

$Behaviours['Get-Service'] = {
    param($Given)
    foreach ($service in $(if ($Given.Name) { Get-Named $Given } else { $M.Services.Values })) {
        $seen = [Service]::new()
        $seen.Name = $seen.DisplayName = $service.Name
        $seen.Live, $seen.Status, $seen.StartType = $service, $service.Status, $service.StartType
        $seen
    }
}
$Behaviours['Set-Service'] = {
    param($Given)
    foreach ($service in Get-Named $Given) {
        if ($service.Marked) {
            Write-Error "Service '$($service.Name)' cannot be configured: marked for deletion."
            return
        }
        if ($Given.StartupType) { $service.StartType = $Given.StartupType }
    }
}
$Behaviours['Start-Service'] = {
    param($Given)
    foreach ($service in Get-Named $Given) {
        try { Start-One $service.Name }
        catch {
            Write-Error "Service '$($service.Name)' cannot be started due to the following error: $_"
            continue
        }
        Wait-Pending $service 'Running' 'StartPending' 'Start-Service'
    }
}
$Behaviours['Stop-Service'] = {
    param($Given)
    foreach ($service in Get-Named $Given) {
        $others = @(foreach ($one in $M.Services.Values) {
            if ($service.Name -in $one.DependsOn -and $one.Status -ne 'Stopped') { $one }
        })
        if ($others -and -not $Given.Force) {
            Write-Error "Cannot stop service '$($service.Name)' because it has dependent services."
            continue
        }
        Stop-One $service.Name
        if (-not $Given.NoWait) { Wait-Pending $service 'Stopped' 'StopPending' 'Stop-Service' }
    }
}
$Behaviours['Restart-Service'] = {
    param($Given)
    foreach ($service in Get-Named $Given) {
        Stop-One $service.Name
        Wait-Pending $service 'Stopped' 'StopPending' 'Stop-Service'
        try { Start-One $service.Name }
        catch {
            Write-Error "Service '$($service.Name)' cannot be started due to the following error: $_"
            continue
        }
        Wait-Pending $service 'Running' 'StartPending' 'Start-Service'
    }
}
$Behaviours['Resume-Service'] = {
    param($Given)
    foreach ($service in Get-Named $Given) {
        if ($service.Status -eq 'Paused') { $service.Status = 'Running' }
    }
}

$Behaviours['Restart-Computer'] = { param($Given) $M.Restarting = $true; $M.Log.Add('restart') }
$Behaviours['Stop-Computer'] = { param($Given) $M.Stopped = $true; $M.Log.Add('stop') }
$Behaviours['Get-CimInstance'] = {
    param($Given)
    if ($Given.ClassName -ne 'Win32_OperatingSystem') {
        throw "the class $($Given.ClassName) is not modelled"
    }
    [pscustomobject] @{ LastBootUpTime = $M.BootTime.LocalDateTime; BuildNumber = "$($M.Build)" }
}
