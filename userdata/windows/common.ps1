# common.ps1: the tools of a Windows node: files, native programs, waits, verified downloads.
# The parts of the node's script are joined by infra/node/userdata.py and run as one file by SYSTEM. Written
# for the Windows PowerShell 5.1 of the AMI, in ASCII: it reads a file without a byte order mark as ANSI.
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'   # drawing the bar makes Invoke-WebRequest several times slower
# Server 2019 would offer TLS 1.0 first
[Net.ServicePointManager]::SecurityProtocol = [Net.SecurityProtocolType]::Tls12
# kubeadm looks for kubelet.exe on PATH, and fails without it (kubernetes v1.35.8,
# cmd/kubeadm/app/preflight/checks.go). PrepareNode.ps1 changes the PATH of its own process and of those that
# are started after a restart of Windows.
$env:Path = "C:\k;$env:Path"

$Root = 'C:\microcosm'
$DownloadAttempts = 5

function Hide-Secret([string] $Text) {
    # node.log goes into the bundle of `microcosm logs`, and a report into SSM: a token of kubeadm or a key
    # must not. By form: tokens of kubeadm, keys of AWS, JSON Web Tokens, private keys, headers, logins in
    # URLs. Then by name.
    $Text = $Text -replace "`0" -creplace '\b([a-z0-9]{6}\.[a-z0-9]{16}|A[KS]IA[A-Z0-9]{16})\b', '[redacted]'
    $Text = $Text -creplace '\beyJ[\w-]{8,}\.[\w-]+(\.[\w-]*)?', '[redacted]'
    $Text = $Text -replace '(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*-----|\z)', '[redacted]'
    $Text = $Text -replace '\b(bearer|basic)\s+[\w.~+/=-]{6,}', '$1 [redacted]'
    $Text = $Text -replace '(://[^\s/:@"'']*:)[^\s/@"'']+@', '$1[redacted]@'
    $keys = '(api|access|account|auth|private|signing)[-_]?key|key-data'
    $names = "token|secret|passwo?r?d|passphrase|pwd|credential|$keys"
    $Text -replace "([\w-]*($names)[\w-]*[`"']?\s*[:=]\s*[`"']?)(?!\[redacted\])[^\s`"',]+", '$1[redacted]'
}

function Write-Log([string] $Message) {
    Write-Host ('{0:u} {1}' -f [datetime]::UtcNow, (Hide-Secret $Message))
}

function Assert-That([bool] $Holds, [string] $Problem) {
    # A test of a phase throws what is missing, so that the report can say it.
    if (-not $Holds) { throw $Problem }
}

function Get-Field($Object, [string[]] $Path) {
    # A value of JSON, or nothing where there is none: strict mode ends the script at a property that is
    # missing.
    foreach ($name in $Path) {
        $found = if ($null -ne $Object) { $Object.PSObject.Properties[$name] }
        $Object = if ($found) { $found.Value }
    }
    $Object
}

# --- files ---

function Wait-Free([scriptblock] $Change) {
    # A scanner may hold a file for some seconds (actions/runner-images#4415). 0x80070070 is a disk that is
    # full.
    for ($left = 10; $true; $left--) {
        try { return & $Change } catch { if (-not $left -or $_.Exception.HResult -eq -2147024784) { throw } }
        Start-Sleep -Seconds 3
    }
}

function Write-TextFile([string] $Path, [string] $Text) {
    # UTF-8 without a byte order mark, which neither TOML nor JSON readers accept; Set-Content of 5.1 cannot.
    # Written aside and renamed: a loss of power or a full disk leaves the old file or none, not one half.
    Wait-Free { New-Item -ItemType File -Force -Path "$Path.new" -Value $Text | Out-Null }
    Wait-Free { Move-Item -Force -Path "$Path.new" -Destination $Path }
}

function Copy-Program([string] $From, [string] $To) {
    Wait-Free { Copy-Item -Force -Path $From -Destination $To }
}

function Read-TextFile([string] $Path) {
    if (Test-Path $Path) { Wait-Free { [string] (Get-Content -Raw -Encoding UTF8 -Path $Path) } } else { '' }
}

function Read-Json([string] $Path) {
    # Nothing for a file that is not there or that a loss of power has torn.
    try { Read-TextFile $Path | ConvertFrom-Json }
    catch { Write-Log "$Path is not JSON, and is not believed" }
}

function Remove-File([string[]] $Paths) {
    # Also what an interrupted Write-TextFile has left.
    foreach ($path in $Paths + ($Paths | ForEach-Object { "$_.new" })) {
        if (Test-Path $path) { Wait-Free { Remove-Item -Force -Path $path } }
    }
}

function Confirm-Text([string] $Path, [string] $Text) {
    # Ordinal: the language's -eq takes no notice of case, and of a NUL behind the text
    # (PowerShell/PowerShell#19438).
    Assert-That ([string]::Equals((Read-TextFile $Path), $Text)) "$Path does not hold the text that it should"
}

function Sync-Disk {
    # What a phase has put there must be on the disk before the file that stands for it, or a loss of power
    # leaves programs of zeros behind a phase that looks done (the same in kubernetes,
    # cluster/gce/windows/configure.ps1).
    try { Write-VolumeCache -DriveLetter C | Out-Null }
    catch { Write-Log "the disk's cache was not written: $_" }
}

function Get-Hash([string] $Path) { Wait-Free { (Get-FileHash -Path $Path -Algorithm SHA256).Hash } }

function Save-Manifest([string] $Name, [string[]] $Paths) {
    # The sums of the files that a phase has left, so that their content is tested later, and not their
    # existence.
    Sync-Disk
    $lines = @("$($Paths.Count) files") + ($Paths | ForEach-Object { "$(Get-Hash $_) $_" })
    Write-TextFile "$Root\$Name.sums" ($lines -join "`n")
}

function Confirm-Manifest([string] $Name) {
    $lines = (Read-TextFile "$Root\$Name.sums") -split "`n"
    Assert-That ($lines[0] -ceq "$($lines.Count - 1) files") "$Root\$Name.sums is not there, or not whole"
    foreach ($line in $lines | Select-Object -Skip 1) {
        $sum, $path = $line -split ' ', 2
        $same = (Test-Path $path) -and (Get-Hash $path) -eq $sum
        Assert-That $same "$path is not the file that was put there"
    }
}

function Get-ProgramPath([string[]] $Folders) {
    foreach ($folder in $Folders) {
        Get-ChildItem -Path $folder -Filter *.exe | ForEach-Object { "$folder\$($_.Name)" }
    }
}

function Expand-Token([string] $Text, [hashtable] $Values) {
    foreach ($name in $Values.Keys) { $Text = $Text.Replace("@$name@", [string] $Values[$name]) }
    if ($Text -cmatch '@[A-Z_]+@') { throw "there is no value for $($Matches[0])" }
    $Text
}

# --- programs and waits ---

function Get-Reason([object[]] $Lines) {
    # What a program said of its failure: all its lines of errors, else its last three. kubeadm puts its
    # errors before lines of advice. nssm writes UTF-16, which comes with a NUL beside each letter.
    $texts = @($Lines | ForEach-Object { ("$_" -replace "`0").Trim() } | Where-Object { $_ })
    $wrong = '\[ERROR |^([EF]\d{4} |[Ee]rror|ERROR|[Ff]atal|panic:)|level=(error|fatal|panic)'
    $errors = @($texts -cmatch $wrong)
    if (-not $errors) { $errors = @($texts | Select-Object -Last 3) }
    $errors -join ' '
}

function Invoke-Native([string] $Program, [string[]] $Arguments, [string] $InputText = '') {
    # PowerShell looks at no exit code, and with 'Stop' the first line on stderr, even a warning, would end
    # the script.
    $ErrorActionPreference = 'Continue'
    $global:LASTEXITCODE = -1   # a program that is not there must not inherit the success of the one before
    $lines = @(
        if ($InputText) { $InputText | & $Program $Arguments 2>&1 }
        else { & $Program $Arguments 2>&1 }
    )
    $code = $LASTEXITCODE
    if ($code -ne 0) {
        $lines | ForEach-Object { Write-Log "    $("$_" -replace "`0")" }
        throw "$Program $($Arguments -join ' ') ended with ${code}: $(Get-Reason $lines)"
    }
    ($lines | Where-Object { $_ -isnot [Management.Automation.ErrorRecord] }) -join "`n" -replace "`0"
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

function Get-Metadata([string] $Path) {
    # By the service itself (IMDSv2): a module of AWS that lacks the cmdlet must not make the node a nameless
    # one.
    $url = 'http://169.254.169.254/latest'
    $asked = @{ 'X-aws-ec2-metadata-token-ttl-seconds' = '60' }
    $ask = @{ UseBasicParsing = $true; TimeoutSec = 5 }
    $token = Invoke-RestMethod @ask -Method Put -Uri "$url/api/token" -Headers $asked
    $with = @{ 'X-aws-ec2-metadata-token' = $token }
    [string] (Invoke-RestMethod -UseBasicParsing -TimeoutSec 5 -Uri "$url/meta-data/$Path" -Headers $with)
}

function Test-Http([string] $Url) {
    try { (Invoke-WebRequest -UseBasicParsing -TimeoutSec 5 -Uri $Url).StatusCode -eq 200 } catch { $false }
}

# --- downloads ---

function Get-ArtifactPath([string] $Name) { "$Root\downloads\$Name" }

function Test-Artifact([string] $Name, [string] $Path) {
    $algorithm, $expected = $Artifacts[$Name].Sum -split ':', 2
    (Test-Path $Path) -and (Wait-Free { (Get-FileHash -Path $Path -Algorithm $algorithm).Hash }) -eq $expected
}

function Save-Artifact([string] $Name) {
    # The only way in for a file: it gets its name when its sum is right, and not before. A scanner may hold a
    # new file for some seconds, so reading and renaming it are part of the attempt.
    $path = Get-ArtifactPath $Name
    New-Item -ItemType Directory -Force -Path (Split-Path $path) | Out-Null
    for ($attempt = 1; $attempt -le $DownloadAttempts; $attempt++) {
        foreach ($url in $Artifacts[$Name].Urls) {
            try {
                if (Test-Artifact $Name $path) { return }
                Invoke-WebRequest -UseBasicParsing -Uri $url -OutFile "$path.part" -TimeoutSec 900
                Assert-That (Test-Artifact $Name "$path.part") ("what it gave does not have the sum " +
                    "$($Artifacts[$Name].Sum)")
                Wait-Free { Move-Item -Force -Path "$path.part" -Destination $path }
                return
            }
            catch { $problem = "${url}: $_"; Write-Log $problem }
        }
        Start-Sleep -Seconds (5 * $attempt)
    }
    throw "$Name could not be had: $problem"
}

function Expand-Artifact([string] $Name, [string] $Folder, [int] $StripComponents) {
    # Windows' own tar, which reads .tar.gz and .zip; another one may come first on PATH.
    New-Item -ItemType Directory -Force -Path $Folder | Out-Null
    $arguments = @('-x', '-f', (Get-ArtifactPath $Name), '-C', $Folder, "--strip-components=$StripComponents")
    Invoke-Native "$env:SystemRoot\System32\tar.exe" $arguments | Out-Null
}
