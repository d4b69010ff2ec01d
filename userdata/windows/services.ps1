# services.ps1: services of Windows and their programs, with a limit for every wait.

$Nssm = "$env:ProgramFiles\nssm\nssm.exe"
$ServiceSeconds = 120

function Get-ServiceStatus([string] $Name) {
    $service = Get-Service -Name $Name -ErrorAction SilentlyContinue
    if ($service) { "$($service.Status)" } else { 'not there' }
}

function Stop-OneService([string] $Name) {
    # Not Stop-Service alone: it waits as long as a service says that it is stopping, without a limit (PowerShell,
    # Commands.Management/commands/management/Service.cs, DoWaitForStatus).
    Wait-Until "stop of the service $Name" $ServiceSeconds {
        if ((Get-ServiceStatus $Name) -in 'Running', 'Paused') { Stop-Service -Name $Name -Force -NoWait }
        $status = Get-ServiceStatus $Name
        Assert-That ($status -in 'Stopped', 'not there') "it is $status"
        $true
    } | Out-Null
}

function Start-OneService([string] $Name) {
    Wait-Until "start of the service $Name" $ServiceSeconds {
        # nssm pauses the service of a program that ended at once; Windows takes a paused one for one that runs.
        if ((Get-ServiceStatus $Name) -eq 'Paused') { Stop-OneService $Name }
        # Start returns at once, and Start-Service waits without a limit while a service is starting. Where Start fails,
        # Start-Service fails as well, and gives the reason.
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
    Assert-That ("$($service.StartType)" -eq 'Automatic') "the service $Name does not start by itself: $($service.StartType)"
    try { $service.WaitForStatus('Running', [TimeSpan]::FromSeconds(90)) }
    catch { throw "the service $Name is $(Get-ServiceStatus $Name)" }
}

function Stop-Program([string[]] $Names) {
    # What outlives its service holds its file open: shims of containerd, a pull, children of an nssm that was ended.
    # Those of the system drive, or what tells no path.
    Get-Process -Name $Names -ErrorAction SilentlyContinue |
        Where-Object { -not $_.PSObject.Properties['Path'] -or $_.Path -like "$env:SystemDrive\*" } | Stop-Process -Force
}

function Set-Nssm([string] $Service, [hashtable] $Settings) {
    # Without AppThrottle 0 nssm pauses a program that dies at once, for longer each time; ours must come back for ever.
    $lasting = @{ AppThrottle = '0'; AppRestartDelay = '5000'; AppRotateFiles = '1'; AppRotateOnline = '1' }
    $lasting += @{ AppRotateBytes = '10485760' }
    foreach ($item in ($lasting + $Settings).GetEnumerator()) {
        Invoke-Native $Nssm @('set', $Service, $item.Key, $item.Value) | Out-Null
    }
}

function Get-ServiceFile([string] $Name) { "$Root\$Name.arguments" }

function Install-NssmService([string] $Name, [string] $Program, [string[]] $Arguments, [hashtable] $Settings = @{}) {
    Stop-OneService $Name
    New-Item -ItemType Directory -Force -Path "C:\var\log\$Name" | Out-Null
    if ((Get-ServiceStatus $Name) -eq 'not there') { Invoke-Native $Nssm @('install', $Name, $Program) | Out-Null }
    # AppNoConsole: since Windows 10 1703 a program that nssm 2.24 starts with a console may fail with 0xC0000142
    # (nssm.cc/download; image-builder runs powershell.exe under it, which does not need it).
    $log = "C:\var\log\$Name\$Name.log"
    $own = @{ AppParameters = $Arguments -join ' '; AppStdout = $log; AppStderr = $log; AppNoConsole = '1' }
    Set-Nssm $Name ($own + $Settings)
    Set-Service -Name $Name -StartupType Automatic
    Write-TextFile (Get-ServiceFile $Name) ($Arguments -join ' ')   # last: with it all settings are made
    Start-OneService $Name
}

function Confirm-NssmService([string] $Name, [string[]] $Arguments) {
    Confirm-Text (Get-ServiceFile $Name) ($Arguments -join ' ')
    Confirm-Service $Name
}
