# Starts the service of an image that `microcosm image build` has made. C:\microcosm\app.json says what the
# service is.
#
# Inputs, all optional:
#   APPSETTING_<key>, CONNSTR_<name>               values of appSettings and connectionStrings; a character
#                                                  of a key that no variable can have is written as _
#   <Drive>\microcosm\secrets\appSettings\<key>    the same as files of a mounted Secret; a file wins over
#                                                  a variable
#   <Drive>\microcosm\secrets\connectionStrings\<name>
#   <Drive>\microcosm\files\<name>                 files of a mounted ConfigMap, which replace those of the
#                                                  service
#   MACHINEKEY_VALIDATION, MACHINEKEY_DECRYPTION   the keys that all replicas share
#   TZ_WINDOWS, APP_CULTURE                        a time zone of tzutil, a culture such as de-DE
#   <Drive>\microcosm\certificates\*.pfx, *.cer    with PFX_PASSWORD: into the machine's stores My and Root
# No value is printed. The exit code is never 0 for a service that ended by itself, so that the kubelet
# restarts it.
[CmdletBinding()]
param([string] $Drive = 'C:\', [int] $PollSeconds = 2)
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version Latest

$Own = Join-Path $Drive 'microcosm'
$System = Join-Path $env:windir 'System32'
$AppCmd = Join-Path $System 'inetsrv\appcmd.exe'
$LogMonitor = Join-Path $Drive 'LogMonitor\LogMonitor.exe'
$Site = 'Default Web Site'
$Pool = 'DefaultAppPool'
# Everything but the query string, which carries what users type.
$LogFields = 'Date,Time,ClientIP,Method,UriStem,HttpStatus,HttpSubStatus,Win32Status,TimeTaken'

. (Join-Path $PSScriptRoot 'settings.ps1')

# Quotes a word as the C runtime takes it apart. Windows PowerShell 5.1 itself escapes neither a quote nor the
# backslash before the last one, and `"C:\My Shop\"` or the command of a service would arrive as something
# else.
function Get-Quoted([string] $Word) {
    if ($Word -and $Word -notmatch '[\s"]') { return $Word }
    return '"' + ($Word -replace '(\\*)"', '$1$1\"' -replace '(\\+)$', '$1$1') + '"'
}

function Start-Native([string] $Program, [string[]] $Arguments, [bool] $Quiet) {
    $start = New-Object System.Diagnostics.ProcessStartInfo $Program
    $start.Arguments = ($Arguments | ForEach-Object { Get-Quoted $_ }) -join ' '
    $start.UseShellExecute = $false
    $start.RedirectStandardOutput = $Quiet
    $start.WorkingDirectory = (Get-Location).ProviderPath
    return [System.Diagnostics.Process]::Start($start)
}

# The error names the program and its first words: later ones may be values.
function Invoke-Program([string] $Program, [string[]] $Arguments, [int[]] $Accepted = @(0)) {
    $process = Start-Native $Program $Arguments $true
    $process.StandardOutput.ReadToEnd() | Out-Null
    $process.WaitForExit()
    if ($Accepted -notcontains $process.ExitCode) {
        $words = ($Arguments | Select-Object -First 2) -join ' '
        throw ('{0} {1}: exit code {2}.' -f (Split-Path -Leaf $Program), $words, $process.ExitCode)
    }
}

function Set-Machine($App) {
    $reg = Join-Path $System 'reg.exe'
    # ASP.NET compiles there, and fails with "The directory name is invalid" without it
    # (microsoft/aspnet-docker issue 32).
    if ($env:TEMP) { New-Item -ItemType Directory -Force -Path $env:TEMP | Out-Null }
    if ($env:TZ_WINDOWS) { Invoke-Program (Join-Path $System 'tzutil.exe') '/s', $env:TZ_WINDOWS }
    foreach ($value in $App.registry) {
        $name = if ($value.name) { '/v', $value.name } else { , '/ve' }
        Invoke-Program $reg (@('add', $value.key) + $name + @('/t', $value.type, '/d', $value.data, '/f'))
    }
    foreach ($source in $App.eventSources) {
        $messages = '%SystemRoot%\Microsoft.NET\Framework64\v4.0.30319\EventLogMessages.dll'
        $key = "HKLM\SYSTEM\CurrentControlSet\Services\EventLog\Application\$source"
        $entry = '/v', 'EventMessageFile', '/t', 'REG_EXPAND_SZ', '/d', $messages, '/f'
        Invoke-Program $reg (@('add', $key) + $entry)
    }
    $certificates = Join-Path $Own 'certificates'
    $certutil = Join-Path $System 'certutil.exe'
    $files = Get-ChildItem -Path $certificates -File -ErrorAction SilentlyContinue
    foreach ($file in $files | Sort-Object Name) {
        switch ($file.Extension) {
            '.pfx' {
                $words = '-f', '-importpfx', '-p', "$env:PFX_PASSWORD", 'My', $file.FullName, 'NoRoot'
                Invoke-Program $certutil $words
            }
            '.cer' { Invoke-Program $certutil '-f', '-addstore', 'Root', $file.FullName }
        }
    }
}

function Set-Site($App) {
    $section = '/section:system.applicationHost/sites'
    $fields = "/siteDefaults.logFile.logExtFileFlags:$LogFields"
    Invoke-Program $AppCmd 'set', 'config', $section, $fields, '/commit:apphost'
    # State is lost with each recycling, and the first request after it compiles again: only the kubelet
    # restarts.
    $never = '/processModel.idleTimeout:00:00:00', '/recycling.periodicRestart.time:00:00:00'
    Invoke-Program $AppCmd (@('set', 'apppool', $Pool, '/startMode:AlwaysRunning') + $never)
    if ($App.x86) { Invoke-Program $AppCmd 'set', 'apppool', $Pool, '/enable32BitAppOnWin64:true' }
    if ($App.classic) { Invoke-Program $AppCmd 'set', 'apppool', $Pool, '/managedPipelineMode:Classic' }
    foreach ($section in $App.unlock) { Invoke-Program $AppCmd 'unlock', 'config', "/section:$section" }
    if ($App.folder -ne 'C:\inetpub\wwwroot') {
        Invoke-Program $AppCmd 'set', 'vdir', "$Site/", "/physicalPath:$($App.folder)"
    }
    foreach ($more in $App.applications) {
        $place = "/path:$($more.path)", "/physicalPath:$($more.folder)"
        Invoke-Program $AppCmd (@('add', 'app', "/site.name:$Site") + $place + "/applicationPool:$Pool")
    }
    foreach ($more in $App.folders) {
        $place = "/path:$($more.path)", "/physicalPath:$($more.folder)"
        Invoke-Program $AppCmd (@('add', 'vdir', "/app.name:$Site/") + $place)
    }
    if ($App.netTcp) {
        Invoke-Program $AppCmd 'set', 'app', "$Site$($App.root)", '/enabledProtocols:http,net.tcp'
    }
}

# Stops WAS before anything is changed: otherwise w3svc is seen starting while it is to be configured, and a
# first request may reach a worker without its variables (microsoft/IIS.ServiceMonitor issues 49 and 74).
# net's exit code 2: it did not run.
function Start-Site($App) {
    $net = Join-Path $System 'net.exe'
    Invoke-Program $net @('stop', 'was', '/y') @(0, 2)
    Set-Machine $App
    Set-Configuration $App
    Set-Site $App
    New-Item -ItemType Directory -Force -Path (Join-Path $Drive 'inetpub\logs\LogFiles') | Out-Null
    if ($App.netTcp) { Invoke-Program $net @('start', 'NetTcpActivator') @(0, 2) }
    return Invoke-Watched (Join-Path $Drive 'ServiceMonitor.exe') @('w3svc')
}

function Invoke-Watched([string] $Program, [string[]] $Arguments) {
    $words = @($Program) + $Arguments
    if (Test-Path $LogMonitor) { $words = @($LogMonitor) + $words }
    $process = Start-Native $words[0] @($words | Select-Object -Skip 1)
    $process.WaitForExit()
    return $process.ExitCode
}

# The services of an entry process do not see the container's variables: each gets them in the registry.
function Start-Service-Of($App) {
    Set-Machine $App
    Set-Configuration $App
    $sc = Join-Path $System 'sc.exe'
    $machine = [Environment]::GetEnvironmentVariables('Machine')
    $own = Get-ChildItem env: | Where-Object { -not $machine.Contains($_.Name) } | Sort-Object Name
    $separator = [string][char]1
    $variables = ($own | ForEach-Object { "$($_.Name)=$($_.Value)" }) -join $separator
    foreach ($service in $App.services) {
        $start = 'start=', 'demand', 'DisplayName=', $service.title
        Invoke-Program $sc (@('create', $service.name, 'binPath=', $service.command) + $start)
        $key = "HKLM\SYSTEM\CurrentControlSet\Services\$($service.name)"
        $entry = '/v', 'Environment', '/t', 'REG_MULTI_SZ', '/s', $separator, '/d', $variables, '/f'
        Invoke-Program (Join-Path $System 'reg.exe') (@('add', $key) + $entry)
        Invoke-Program $sc 'start', $service.name
    }
    return Wait-Service-Of $App.services[0].name
}

function Wait-Service-Of([string] $Name) {
    while ($true) {
        $state = (& (Join-Path $System 'sc.exe') query $Name) -join "`n"
        # 1 is stopped. 1066 means that the service has a code of its own.
        if ($state -notmatch 'STATE\s*:\s*(\d+)' -or $Matches[1] -eq '1') {
            $code = if ($state -match '\bWIN32_EXIT_CODE\s*:\s*(\d+)') { [int] $Matches[1] } else { 1 }
            if ($code -eq 1066 -and $state -match 'SERVICE_EXIT_CODE\s*:\s*(\d+)') {
                $code = [int] $Matches[1]
            }
            Write-Line "the service $Name has stopped (code $code)."
            return $code
        }
        Start-Sleep -Seconds $PollSeconds
    }
}

function Start-Program($App) {
    Set-Machine $App
    Set-Configuration $App
    Set-Location (Join-Path $Drive $App.home)
    return Invoke-Watched (Join-Path $Drive $App.program) @($App.arguments)
}

try {
    $app = Get-Content -Raw -Encoding UTF8 (Join-Path $Own 'app.json') | ConvertFrom-Json
    Write-Line "starting: kind $($app.kind)."
    $code = switch ($app.kind) {
        { $_ -in 'iis', 'wcf' } { Start-Site $app }
        'service' { Start-Service-Of $app }
        default { Start-Program $app }
    }
    # A program may come to its end; what listens may not.
    if ($code -eq 0 -and $app.kind -ne 'console') { $code = 1 }
    Write-Line "ended with code $code."
    exit $code
} catch {
    Write-Line "failed: $($_.Exception.Message)"
    exit 1
}
