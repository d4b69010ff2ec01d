# Starts the service of an image that `microcosm image build` has made. C:\microcosm\app.json says what the service is.
#
# Inputs, all optional:
#   APPSETTING_<key>, CONNSTR_<name>               values of appSettings and connectionStrings; a character of a key that
#                                                  a variable's name cannot have is written as _
#   <Drive>\microcosm\secrets\appSettings\<key>    the same as files of a mounted Secret; a file wins over a variable
#   <Drive>\microcosm\secrets\connectionStrings\<name>
#   MACHINEKEY_VALIDATION, MACHINEKEY_DECRYPTION   the keys that all replicas share
#   TZ_WINDOWS, APP_CULTURE                        a time zone of tzutil, a culture such as de-DE
#   <Drive>\microcosm\certificates\*.pfx, *.cer    with PFX_PASSWORD: into the machine's stores My and Root
# No value is printed. The exit code is never 0 for a service that ended by itself, so that the kubelet restarts it.
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

function Write-Line([string] $Text) {
    [Console]::Out.WriteLine(('{0:yyyy-MM-ddTHH:mm:ssZ} microcosm: {1}' -f [DateTime]::UtcNow, $Text))
}

# The error names the program and its first words: later ones may be values.
function Invoke-Program([string] $Program, [string[]] $Arguments, [int[]] $Accepted = @(0)) {
    & $Program @Arguments | Out-Null
    if ($Accepted -notcontains $LASTEXITCODE) {
        $words = ($Arguments | Select-Object -First 2) -join ' '
        throw ('{0} {1}: exit code {2}.' -f (Split-Path -Leaf $Program), $words, $LASTEXITCODE)
    }
}

function Get-Override([string] $Prefix, [string] $Section) {
    $found = [ordered]@{}
    foreach ($variable in Get-ChildItem env: | Sort-Object Name) {
        # An empty value is a key of the Secret that nobody has filled in.
        if ($variable.Value -and $variable.Name.StartsWith($Prefix, [StringComparison]::OrdinalIgnoreCase)) {
            $found[$variable.Name.Substring($Prefix.Length)] = $variable.Value
        }
    }
    $folder = Join-Path $Own "secrets\$Section"
    if (Test-Path $folder) {
        # A mounted Secret also holds the kubelet's own ..data.
        foreach ($file in Get-ChildItem $folder | Where-Object { -not $_.PSIsContainer -and -not $_.Name.StartsWith('..') } | Sort-Object Name) {
            $found[$file.Name] = [IO.File]::ReadAllText($file.FullName) -replace '\r?\n\z', ''
        }
    }
    return $found
}

function Read-Config([string] $Path) {
    $document = New-Object System.Xml.XmlDocument
    $document.PreserveWhitespace = $true
    $document.XmlResolver = $null
    $document.Load($Path)
    return [pscustomobject]@{ Path = $Path; Document = $document; Changed = $false }
}

# Keeps the byte order mark, or its absence, and the encoding that the declaration names.
function Save-Config($Config) {
    if (-not $Config.Changed) { return }
    $start = [IO.File]::ReadAllBytes($Config.Path)
    $mark = $start.Length -gt 2 -and $start[0] -eq 0xEF -and $start[1] -eq 0xBB
    $declaration = $Config.Document.FirstChild
    $encoding = New-Object System.Text.UTF8Encoding $mark
    if ($declaration -is [System.Xml.XmlDeclaration] -and $declaration.Encoding -and $declaration.Encoding -ne 'utf-8') {
        $encoding = [System.Text.Encoding]::GetEncoding($declaration.Encoding)
    }
    $writer = New-Object System.IO.StreamWriter $Config.Path, $false, $encoding
    try { $Config.Document.Save($writer) } finally { $writer.Dispose() }
}

function Find-Child($Parent, [string] $Name) {
    return $Parent.ChildNodes | Where-Object { $_.NodeType -eq 'Element' -and $_.LocalName -eq $Name } | Select-Object -First 1
}

function Add-Child($Config, $Parent, [string] $Name) {
    $child = Find-Child $Parent $Name
    if (-not $child) {
        $child = $Parent.AppendChild($Config.Document.CreateElement($Name, $Parent.NamespaceURI))
        $Config.Changed = $true
    }
    return $child
}

function Find-Entry($Element, [string] $Key, [string] $Name) {
    foreach ($entry in $Element.ChildNodes) {
        if ($entry.NodeType -eq 'Element' -and $entry.LocalName -eq 'add') {
            $written = $entry.GetAttribute($Key)
            if ($written -eq $Name -or ($written -replace '[^A-Za-z0-9._-]', '_') -eq $Name) { return $entry }
        }
    }
}

# The places of a section, the one in force first: the file that file= names, then that of configSource=, or the file itself.
function Get-Section($Config, [string] $Section) {
    $folder = Split-Path $Config.Path
    $element = Add-Child $Config $Config.Document.DocumentElement $Section
    $places = @()
    if ($element.GetAttribute('file') -and (Test-Path (Join-Path $folder $element.GetAttribute('file')))) {
        $outer = Read-Config (Join-Path $folder $element.GetAttribute('file'))
        $places += [pscustomobject]@{ Config = $outer; Element = $outer.Document.DocumentElement }
    }
    if ($element.GetAttribute('configSource')) {
        $outer = Read-Config (Join-Path $folder $element.GetAttribute('configSource'))
        $places += [pscustomobject]@{ Config = $outer; Element = $outer.Document.DocumentElement }
    } else {
        $places += [pscustomobject]@{ Config = $Config; Element = $element }
    }
    return , $places
}

function Set-Section($Config, [string] $Section, [string] $Key, [string] $Attribute, $Values) {
    if ($Values.Count -eq 0) { return }
    $places = Get-Section $Config $Section
    foreach ($name in $Values.Keys) {
        $place = $null
        foreach ($candidate in $places) {
            $entry = Find-Entry $candidate.Element $Key $name
            if ($entry) { $place = $candidate; break }
        }
        if (-not $place) {
            $place = $places[-1]
            $entry = $place.Element.AppendChild($place.Config.Document.CreateElement('add', $place.Element.NamespaceURI))
            $entry.SetAttribute($Key, $name)
            Write-Line "warning: $Section had no entry $name; it is added."
        }
        $entry.SetAttribute($Attribute, $Values[$name])
        $place.Config.Changed = $true
        Write-Line "$Section ${name}: set in $(Split-Path -Leaf $place.Config.Path)."
    }
    foreach ($place in $places) { if ($place.Config -ne $Config) { Save-Config $place.Config } }
}

function Set-Configuration($App) {
    $path = Join-Path $Drive $App.config
    if (-not (Test-Path $path)) { [IO.File]::WriteAllText($path, "<?xml version=`"1.0`"?>`n<configuration/>") }
    $config = Read-Config $path
    Set-Section $config 'appSettings' 'key' 'value' (Get-Override 'APPSETTING_' 'appSettings')
    Set-Section $config 'connectionStrings' 'name' 'connectionString' (Get-Override 'CONNSTR_' 'connectionStrings')
    if ($env:MACHINEKEY_VALIDATION -and $env:MACHINEKEY_DECRYPTION) {
        $key = Add-Child $config (Add-Child $config $config.Document.DocumentElement 'system.web') 'machineKey'
        $key.SetAttribute('validationKey', $env:MACHINEKEY_VALIDATION)
        $key.SetAttribute('decryptionKey', $env:MACHINEKEY_DECRYPTION)
        $key.SetAttribute('validation', 'HMACSHA256')
        $key.SetAttribute('decryption', 'AES')
        $config.Changed = $true
    }
    if ($env:APP_CULTURE) {
        $globalization = Add-Child $config (Add-Child $config $config.Document.DocumentElement 'system.web') 'globalization'
        $globalization.SetAttribute('culture', $env:APP_CULTURE)
        $globalization.SetAttribute('uiCulture', $env:APP_CULTURE)
        $config.Changed = $true
    }
    if ($App.metadataFromHost) {
        foreach ($behavior in $config.Document.SelectNodes("//*[local-name()='serviceBehaviors']/*[local-name()='behavior']")) {
            Add-Child $config $behavior 'useRequestHeadersForMetadataAddress' | Out-Null
        }
    }
    Save-Config $config
}

function Set-Machine($App) {
    $reg = Join-Path $System 'reg.exe'
    if ($env:TZ_WINDOWS) { Invoke-Program (Join-Path $System 'tzutil.exe') '/s', $env:TZ_WINDOWS }
    foreach ($value in $App.registry) {
        $name = if ($value.name) { '/v', $value.name } else { , '/ve' }
        Invoke-Program $reg (@('add', $value.key) + $name + @('/t', $value.type, '/d', $value.data, '/f'))
    }
    foreach ($source in $App.eventSources) {
        $messages = '%SystemRoot%\Microsoft.NET\Framework64\v4.0.30319\EventLogMessages.dll'
        $key = "HKLM\SYSTEM\CurrentControlSet\Services\EventLog\Application\$source"
        Invoke-Program $reg @('add', $key, '/v', 'EventMessageFile', '/t', 'REG_EXPAND_SZ', '/d', $messages, '/f')
    }
    $certificates = Join-Path $Own 'certificates'
    foreach ($file in Get-ChildItem -Path $certificates -File -ErrorAction SilentlyContinue | Sort-Object Name) {
        $certutil = Join-Path $System 'certutil.exe'
        if ($file.Extension -eq '.pfx') { Invoke-Program $certutil '-f', '-importpfx', '-p', "$env:PFX_PASSWORD", 'My', $file.FullName, 'NoRoot' }
        if ($file.Extension -eq '.cer') { Invoke-Program $certutil '-f', '-addstore', 'Root', $file.FullName }
    }
}

function Set-Site($App) {
    Invoke-Program $AppCmd @('set', 'config', '/section:system.applicationHost/sites', "/siteDefaults.logFile.logExtFileFlags:$LogFields", '/commit:apphost')
    # State is lost with each recycling, and the first request after it compiles again: only the kubelet restarts.
    Invoke-Program $AppCmd 'set', 'apppool', $Pool, '/startMode:AlwaysRunning', '/processModel.idleTimeout:00:00:00', '/recycling.periodicRestart.time:00:00:00'
    if ($App.x86) { Invoke-Program $AppCmd 'set', 'apppool', $Pool, '/enable32BitAppOnWin64:true' }
    if ($App.classic) { Invoke-Program $AppCmd 'set', 'apppool', $Pool, '/managedPipelineMode:Classic' }
    if ($App.folder -ne 'C:\inetpub\wwwroot') { Invoke-Program $AppCmd 'set', 'vdir', "$Site/", "/physicalPath:$($App.folder)" }
    foreach ($more in $App.applications) {
        Invoke-Program $AppCmd 'add', 'app', "/site.name:$Site", "/path:$($more.path)", "/physicalPath:$($more.folder)", "/applicationPool:$Pool"
    }
    if ($App.netTcp) { Invoke-Program $AppCmd 'set', 'app', "$Site/", '/enabledProtocols:http,net.tcp' }
}

# Stops WAS before anything is changed: otherwise w3svc is seen starting while it is to be configured, and a first request may
# reach a worker without its variables (microsoft/IIS.ServiceMonitor issues 49 and 74). net's exit code 2: it did not run.
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
    if (Test-Path $LogMonitor) {
        & $LogMonitor $Program @Arguments | Out-Host
    } else {
        & $Program @Arguments | Out-Host
    }
    return $LASTEXITCODE
}

# The services of an entry process do not see the container's variables: each gets them in the registry.
function Start-Service-Of($App) {
    Set-Machine $App
    Set-Configuration $App
    $sc = Join-Path $System 'sc.exe'
    $machine = [Environment]::GetEnvironmentVariables('Machine')
    $variables = Get-ChildItem env: | Where-Object { -not $machine.Contains($_.Name) } | Sort-Object Name | ForEach-Object { "$($_.Name)=$($_.Value)" }
    foreach ($service in $App.services) {
        Invoke-Program $sc 'create', $service.name, 'binPath=', $service.command, 'start=', 'demand', 'DisplayName=', $service.title
        $key = "HKLM\SYSTEM\CurrentControlSet\Services\$($service.name)"
        Invoke-Program (Join-Path $System 'reg.exe') @('add', $key, '/v', 'Environment', '/t', 'REG_MULTI_SZ', '/s', [string][char]1, '/d', ($variables -join [char]1), '/f')
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
            if ($code -eq 1066 -and $state -match 'SERVICE_EXIT_CODE\s*:\s*(\d+)') { $code = [int] $Matches[1] }
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
