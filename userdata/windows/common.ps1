# common.ps1: the tools of a Windows node: files, native programs, waits, verified downloads, services.
# The parts of the node's script are joined by infra/userdata.py and run as one file by SYSTEM.
# Written for Windows PowerShell 5.1, the one on the AMI, in ASCII: 5.1 reads a file without a byte order mark as ANSI.
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'   # drawing the bar makes Invoke-WebRequest several times slower
[Net.ServicePointManager]::SecurityProtocol = [Net.SecurityProtocolType]::Tls12   # Server 2019 would offer TLS 1.0 first

# kubeadm looks for kubelet.exe on PATH, and fails without it (kubernetes v1.35.8, cmd/kubeadm/app/preflight/checks.go).
# PrepareNode.ps1 changes the PATH of its own process and of those that are started after a restart of Windows.
$env:Path = "C:\k;$env:Path"

$Root = 'C:\microcosm'
$Nssm = "$env:ProgramFiles\nssm\nssm.exe"
$DownloadAttempts = 5

# The inputs, as bootstrap.ps1 has kept them.
foreach ($item in (Import-Clixml -Path "$Root\inputs.xml").GetEnumerator()) { Set-Variable -Name $item.Key -Value $item.Value }

function Write-Log([string] $Message) {
    Write-Host ('{0:u} {1}' -f [datetime]::UtcNow, $Message)
}

function Write-TextFile([string] $Path, [string] $Text) {
    # UTF-8 without a byte order mark, which neither TOML nor JSON readers accept; Set-Content of 5.1 cannot. Makes the folders too.
    New-Item -ItemType File -Force -Path $Path -Value $Text | Out-Null
}

function Read-TextFile([string] $Path) {
    if (Test-Path $Path) { [string] (Get-Content -Raw -Encoding UTF8 -Path $Path) } else { '' }
}

function Expand-Token([string] $Text, [hashtable] $Values) {
    foreach ($name in $Values.Keys) { $Text = $Text.Replace("@$name@", [string] $Values[$name]) }
    if ($Text -cmatch '@[A-Z_]+@') { throw "there is no value for $($Matches[0])" }
    $Text
}

function Invoke-Native([string] $Program, [string[]] $Arguments, [string] $InputText = '') {
    # PowerShell looks at no exit code, and with 'Stop' the first line on stderr, even a warning, would end the script.
    $ErrorActionPreference = 'Continue'
    $global:LASTEXITCODE = -1   # a program that is not there must not inherit the success of the one before
    $lines = if ($InputText) { $InputText | & $Program $Arguments 2>&1 } else { & $Program $Arguments 2>&1 }
    $code = $LASTEXITCODE
    if ($code -ne 0) {
        $lines | ForEach-Object { Write-Log "    $_" }
        throw "$Program $($Arguments -join ' ') ended with ${code}: $($lines | Select-Object -Last 3)"
    }
    ($lines | Where-Object { $_ -isnot [Management.Automation.ErrorRecord] }) -join "`n"
}

function Wait-Until([string] $Wanted, [int] $LimitSeconds, [scriptblock] $Condition) {
    # Measured and added up, because the clock may be set while we wait.
    $reason = 'not so far'
    for ($spent = 0; $spent -le $LimitSeconds; $spent += 5) {
        $found = $null
        $spent += (Measure-Command { try { $found = & $Condition } catch { $reason = "$_" } }).TotalSeconds
        if ($found) { return $found }
        Start-Sleep -Seconds 5
    }
    throw "no $Wanted within $LimitSeconds s: $reason"
}

function Test-Within([int] $LimitSeconds, [scriptblock] $Condition) {
    # At a start of Windows its services are still coming up: late is not missing, and must not be made anew.
    try { [bool] (Wait-Until 'such result' $LimitSeconds $Condition) } catch { $false }
}

function Test-Http([string] $Url) {
    try { (Invoke-WebRequest -UseBasicParsing -TimeoutSec 5 -Uri $Url).StatusCode -eq 200 } catch { $false }
}

# --- downloads ---

function Get-ArtifactPath([string] $Name) { "$Root\downloads\$Name" }

function Test-Artifact([string] $Name, [string] $Path) {
    $algorithm, $expected = $Artifacts[$Name].Sum -split ':', 2
    (Test-Path $Path) -and (Get-FileHash -Path $Path -Algorithm $algorithm).Hash -eq $expected
}

function Save-Artifact([string] $Name) {
    # The only way in for a file: it gets its name when its sum is right, and not before.
    $path = Get-ArtifactPath $Name
    New-Item -ItemType Directory -Force -Path (Split-Path $path) | Out-Null
    for ($attempt = 1; -not (Test-Artifact $Name $path); $attempt++) {
        if ($attempt -gt $DownloadAttempts) { throw "$Name could not be had: $problem" }
        foreach ($url in $Artifacts[$Name].Urls) {
            $problem = "what $url gave does not have the sum $($Artifacts[$Name].Sum)"
            try { Invoke-WebRequest -UseBasicParsing -Uri $url -OutFile "$path.part" -TimeoutSec 900 } catch { $problem = "${url}: $_" }
            if (Test-Artifact $Name "$path.part") { Move-Item -Force -Path "$path.part" -Destination $path; return }
            Write-Log $problem
        }
        Start-Sleep -Seconds (5 * $attempt)
    }
}

function Expand-Artifact([string] $Name, [string] $Folder, [int] $StripComponents) {
    # Windows' own tar, which reads .tar.gz and .zip; another one may come first on PATH.
    New-Item -ItemType Directory -Force -Path $Folder | Out-Null
    $arguments = @('-x', '-f', (Get-ArtifactPath $Name), '-C', $Folder, "--strip-components=$StripComponents")
    Invoke-Native "$env:SystemRoot\System32\tar.exe" $arguments | Out-Null
}

# --- services and folders ---

function Test-Service([string] $Name) {
    $service = Get-Service -Name $Name -ErrorAction SilentlyContinue
    if (-not $service -or $service.StartType -ne 'Automatic') { return $false }
    try { $service.WaitForStatus('Running', [TimeSpan]::FromSeconds(90)); $true } catch { $false }
}

function Set-Nssm([string] $Service, [hashtable] $Settings) {
    # Without AppThrottle 0 nssm pauses a program that dies at once, for longer each time; ours must come back for ever.
    $lasting = @{ AppThrottle = '0'; AppRestartDelay = '5000'; AppRotateFiles = '1'; AppRotateOnline = '1'; AppRotateBytes = '10485760' }
    foreach ($item in ($lasting + $Settings).GetEnumerator()) {
        Invoke-Native $Nssm @('set', $Service, $item.Key, $item.Value) | Out-Null
    }
}

function Install-NssmService([string] $Name, [string] $Program, [string[]] $Arguments, [hashtable] $Settings = @{}) {
    New-Item -ItemType Directory -Force -Path "C:\var\log\$Name" | Out-Null
    if (-not (Get-Service -Name $Name -ErrorAction SilentlyContinue)) { Invoke-Native $Nssm @('install', $Name, $Program) | Out-Null }
    $own = @{ AppParameters = $Arguments -join ' '; AppStdout = "C:\var\log\$Name\$Name.log"; AppStderr = "C:\var\log\$Name\$Name.log" }
    Set-Nssm $Name ($own + $Settings)
    Set-Service -Name $Name -StartupType Automatic
    Restart-Service -Name $Name -Force
}

function Protect-Directory([string] $Path) {
    New-Item -ItemType Directory -Force -Path $Path | Out-Null
    $grants = @('/grant:r', '*S-1-5-18:(OI)(CI)F', '*S-1-5-32-544:(OI)(CI)F')   # SYSTEM and Administrators
    Invoke-Native "$env:SystemRoot\System32\icacls.exe" (@($Path, '/inheritance:r') + $grants) | Out-Null
}

function ConvertTo-Literal([string] $Text) {
    # For code that is written to a file. PowerShell takes the typographic quotes for quotes too (about_Quoting_Rules).
    "'" + ($Text -replace "(['\u2018\u2019\u201a\u201b])", '$1$1') + "'"
}

function Get-FunctionText([string] $Name, [string] $Call) {
    # A function that runs later, on its own: its file is made of the very code that stands here.
    "function $Name {`r`n$((Get-Item "function:$Name").Definition)`r`n}`r`n$Call`r`n"
}
