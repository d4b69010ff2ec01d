# services.ps1: services of Windows and their programs, with a limit for every wait.

$Nssm = "$env:ProgramFiles\nssm\nssm.exe"
$ServiceSeconds = 120

function Get-ServiceStatus([string] $Name) {
    $service = Get-Service -Name $Name -ErrorAction SilentlyContinue
    if ($service) { "$($service.Status)" } else { 'not there' }
}

function Stop-OneService([string] $Name) {
    # Not Stop-Service alone: it waits as long as a service says that it is stopping, without a limit
    # (PowerShell, Commands.Management/commands/management/Service.cs, DoWaitForStatus).
    Wait-Until "stop of the service $Name" $ServiceSeconds {
        if ((Get-ServiceStatus $Name) -in 'Running', 'Paused') { Stop-Service -Name $Name -Force -NoWait }
        $status = Get-ServiceStatus $Name
        Assert-That ($status -in 'Stopped', 'not there') "it is $status"
        $true
    } | Out-Null
}

function Start-OneService([string] $Name) {
    Wait-Until "start of the service $Name" $ServiceSeconds {
        # nssm pauses the service of a program that ended at once; Windows takes a paused one for one that
        # runs.
        if ((Get-ServiceStatus $Name) -eq 'Paused') { Stop-OneService $Name }
        # Start returns at once, and Start-Service waits without a limit while a service is starting. Where
        # Start fails, Start-Service fails as well, and gives the reason.
        if ((Get-ServiceStatus $Name) -eq 'Stopped') {
            try { (Get-Service -Name $Name).Start() } catch { Start-Service -Name $Name }
        }
        $status = Get-ServiceStatus $Name
        Assert-That ($status -eq 'Running') "it is $status"
        $true
    } | Out-Null
}

function Confirm-Service([string] $Name) {
    # At a start of Windows its services are still coming up: late is not missing, and must not be made anew.
    $service = Get-Service -Name $Name -ErrorAction SilentlyContinue
    Assert-That ([bool] $service) "the service $Name is not there"
    Assert-That ("$($service.StartType)" -eq 'Automatic') ("the service $Name does not start by itself: " +
        "$($service.StartType)")
    try { $service.WaitForStatus('Running', [TimeSpan]::FromSeconds(90)) }
    catch { throw "the service $Name is $(Get-ServiceStatus $Name)" }
}

function Stop-Program([string[]] $Paths) {
    # What outlives its service holds its file open: shims of containerd, a pull, children of an nssm that was
    # ended. Programs of the same name in other folders are somebody else's; a process may tell no path.
    $names = $Paths | ForEach-Object { [IO.Path]::GetFileNameWithoutExtension(($_ -replace '.*\\')) }
    Get-Process -Name $names -ErrorAction SilentlyContinue |
        Where-Object { -not (Get-Field $_ 'Path') -or $_.Path -in $Paths } | Stop-Process -Force
}

function Get-ServiceValue([string] $Name, [string] $Value, [string] $Key = '') {
    # Of the service's own key: ImagePath, or what nssm keeps below Parameters (nssm, registry.h).
    $path = "HKLM:\SYSTEM\CurrentControlSet\Services\$Name$Key"
    $found = if (Test-Path $path) { (Get-ItemProperty -Path $path).PSObject.Properties[$Value] }
    if ($found) { "$($found.Value)" } else { '' }
}

function Remove-OneService([string] $Name) {
    if ((Get-ServiceStatus $Name) -eq 'not there') { return }
    try {
        Invoke-Native "$env:SystemRoot\System32\sc.exe" @('delete', $Name) | Out-Null
        Wait-Until "end of the old service $Name" 60 { (Get-ServiceStatus $Name) -eq 'not there' } | Out-Null
    }
    catch {
        Restart-Windows "the service $Name is marked for deletion, which only a restart ends: $_" -Report
    }
}

function Confirm-Program([string] $Name, [string[]] $Words) {
    # An image may bring a service of the same name that runs another program, or with other arguments.
    $found = Get-ServiceValue $Name 'ImagePath'
    foreach ($word in $Words) {
        Assert-That ($found -like "*$word*") "the service $Name runs '$found', without $word"
    }
}

function Set-Nssm([string] $Service, [hashtable] $Settings) {
    # Without AppThrottle 0 nssm pauses a program that dies at once, for longer each time; ours must come back
    # for ever.
    $lasting = @{ AppThrottle = '0'; AppRestartDelay = '5000'; AppRotateFiles = '1'; AppRotateOnline = '1' }
    $lasting += @{ AppRotateBytes = '10485760' }
    foreach ($item in ($lasting + $Settings).GetEnumerator()) {
        Invoke-Native $Nssm @('set', $Service, $item.Key, $item.Value) | Out-Null
    }
}

function Install-NssmService([string] $Name, [string] $Program, [string[]] $Arguments,
    [hashtable] $Settings = @{}) {
    Stop-OneService $Name
    New-Item -ItemType Directory -Force -Path "C:\var\log\$Name" | Out-Null
    try { Confirm-Program $Name $Nssm } catch { Remove-OneService $Name }
    if ((Get-ServiceStatus $Name) -eq 'not there') {
        Invoke-Native $Nssm @('install', $Name, $Program) | Out-Null
    }
    # AppNoConsole: since Windows 10 1703 a program that nssm 2.24 starts with a console may fail with
    # 0xC0000142 (nssm.cc/download; image-builder runs powershell.exe under it, which does not need it).
    $log = "C:\var\log\$Name\$Name.log"
    $own = @{ Application = $Program; AppStdout = $log; AppStderr = $log; AppNoConsole = '1' }
    Set-Nssm $Name ($own + $Settings)
    Set-Service -Name $Name -StartupType Automatic
    # Last: with them all settings are made.
    Invoke-Native $Nssm @('set', $Name, 'AppParameters', ($Arguments -join ' ')) | Out-Null
    Start-OneService $Name
}

function Confirm-NssmService([string] $Name, [string] $Program, [string[]] $Arguments) {
    $found = ("$(Get-ServiceValue $Name 'Application' '\Parameters') " +
        "$(Get-ServiceValue $Name 'AppParameters' '\Parameters')")
    Assert-That ($found -ceq "$Program $($Arguments -join ' ')") "the service $Name runs '$found'"
    Confirm-Program $Name $Nssm
    Confirm-Service $Name
}
