# bootstrap.ps1: the user-data of a Windows node (docs/adr/0010 and 0012). It puts the node's script in place,
# checked, and has Windows run it now and at every later start. No comment may hold one of EC2Launch's tags:
# it takes the first that it finds (infra/node/userdata.py refuses it).
#
# Inputs, which the program puts in front of this file as literals:
#   $ScriptBucket $ScriptKey $ScriptSha256   the S3 object that holds the node's script, and its sum
#   and every name in $InputNames below, explained in worker.ps1
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$Root = 'C:\microcosm'
$ExitBootstrap = 9
$InputNames = @(
    'StackName', 'Region', 'NodeName', 'ControlPlaneInstanceId', 'KubernetesVersion', 'ContainerdVersion',
    'Artifacts', 'PauseImage', 'PrepullImages', 'RegistryMirror', 'FlannelBackend', 'FlannelNetConf',
    'PodCidr', 'ServiceCidr', 'NodeCidr', 'JoinConfiguration', 'ExpiryParameter'
)

function Protect-Root {
    # What lies here runs as SYSTEM: no other account may write into it (S-1-5-18 is SYSTEM, S-1-5-32-544
    # Administrators).
    New-Item -ItemType Directory -Force -Path $Root | Out-Null
    $grants = '*S-1-5-18:(OI)(CI)F', '*S-1-5-32-544:(OI)(CI)F'
    & "$env:SystemRoot\System32\icacls.exe" $Root /inheritance:r /grant:r $grants | Out-Null
    if ($LASTEXITCODE -ne 0) { throw "icacls on $Root ended with $LASTEXITCODE" }
}

function Save-Inputs {
    # Written aside: a run of the node's script may be reading it. One that runs with other inputs came with
    # the image.
    $values = @{}
    foreach ($name in $InputNames) { $values[$name] = (Get-Variable -Name $name).Value }
    $file = "$Root\inputs.xml"
    $before = if (Test-Path $file) { Get-Content -Raw -Path $file } else { '' }
    Export-Clixml -InputObject $values -Depth 8 -Path "$file.new"
    Move-Item -Force -Path "$file.new" -Destination $file
    if ($before -and -not [string]::Equals($before, (Get-Content -Raw -Path $file))) {
        try {
            Stop-ScheduledTask -TaskName microcosm-node -ErrorAction Stop
        }
        catch { Write-Host "no run of other inputs was ended: $_" }
    }
}

function Save-Script {
    param([int] $Attempts)
    # The script has its name when its sum is right, and not before; a scanner may hold a new file for some
    # seconds.
    $file = 'C:\microcosm\node.ps1'
    $Condition = {
        (Test-Path $args[0]) -and (Get-FileHash -Path $args[0] -Algorithm SHA256).Hash -eq $ScriptSha256
    }
    for ($attempt = 1; $attempt -le $Attempts; $attempt++) {
        try {
            if (& $Condition $file) { return }
            # What an attempt before has fetched, and a scanner held, is not fetched again.
            if (-not (& $Condition "$file.part")) {
                Read-S3Object -BucketName $ScriptBucket -Key $ScriptKey -File "$file.part" -Region $Region |
                    Out-Null
            }
            if (& $Condition "$file.part") { Move-Item -Force -Path "$file.part" -Destination $file; return }
            $problem = 'what is there has another sum'
        }
        catch { $problem = "$_" }
        Start-Sleep -Seconds 15
    }
    throw "no s3://$ScriptBucket/$ScriptKey with sha256 ${ScriptSha256}: $problem"
}

function Get-Instance {
    # A report of another instance is not believed (infra/readiness.py).
    $url = 'http://169.254.169.254/latest'
    $asked = @{ 'X-aws-ec2-metadata-token-ttl-seconds' = '60' }
    $ask = @{ UseBasicParsing = $true; TimeoutSec = 5 }
    $token = Invoke-RestMethod @ask -Method Put -Uri "$url/api/token" -Headers $asked
    $with = @{ 'X-aws-ec2-metadata-token' = $token }
    [string] (Invoke-RestMethod @ask -Uri "$url/meta-data/instance-id" -Headers $with)
}

function Send-Failure {
    param([string] $Problem)
    # Parameter Store refuses "{{".
    $instance = try { Get-Instance } catch { '' }
    $phase = try {
        ((Get-Content -Raw 'C:\microcosm\state.json' | ConvertFrom-Json).reported | ConvertFrom-Json).phase
    }
    catch { 'feature' }
    $detail = $Problem -replace '\s+', ' ' -replace '\{(?=\{)', '{ ' -creplace
        '\b[a-z0-9]{6}\.[a-z0-9]{16}\b', '[redacted]'
    $report = [ordered] @{
        instance = $instance; node = $NodeName; phase = "$phase"; result = 'failed'
        detail = $detail.Substring(0, [Math]::Min(500, $detail.Length)); phases = @{}
    }
    $name = "/microcosm/$StackName/status/$NodeName"
    $value = ConvertTo-Json -Compress $report
    try {
        Write-SSMParameter -Name $name -Value $value -Type String -Overwrite $true -Region $Region | Out-Null
    }
    catch { Write-Host "not reported: $_" }
}

# What failed is run again: what was out of reach may be back. The node's script reports its own failures,
# with the codes 10 to 19.
$Loop = @'
$ErrorActionPreference = 'Stop'
$env:Path = "$env:SystemRoot\System32\WindowsPowerShell\v1.0;$env:Path"
$code = 1
while ($code) {
    $problem = ''
    $global:LASTEXITCODE = 1   # what cannot be started sets no exit code
    try { & powershell.exe '-NoProfile' '-ExecutionPolicy' 'Bypass' '-File' 'C:\microcosm\node.ps1' }
    catch { $problem = "powershell.exe cannot be started: $_" }
    $code = $LASTEXITCODE
    if ($code -and $code -notin 10..19) {
        try {
            $log = 'C:\microcosm\node.log'
            $last = if (Test-Path $log) { Get-Content -Path $log -Tail 5 }
            if (-not $problem) { $problem = "node.ps1 ended with the exit code ${code}: $last" }
            Send-Failure $problem
        }
        catch { Write-Host "not reported: $_" }
    }
    if ($code) { Start-Sleep -Seconds 60 }
}
'@

function Get-RunText {
    # run.ps1: the loop, after a check of the script: a loss of power may have torn it, and a torn one may end
    # with 0.
    $names = 'StackName', 'Region', 'NodeName', 'ScriptBucket', 'ScriptKey', 'ScriptSha256'
    $lines = foreach ($name in $names) {
        "`$$name = '$((Get-Variable -Name $name).Value -replace "'", "''")'"
    }
    $lines += foreach ($name in 'Save-Script', 'Get-Instance', 'Send-Failure') {
        "function $name {`r`n$((Get-Item "function:$name").Definition)`r`n}"
    }
    $check = 'while ($true) { try { Save-Script -Attempts 20; break } catch { Send-Failure "run.ps1: $_" } }'
    (@("`$ErrorActionPreference = 'Stop'") + $lines + $check + $Loop) -join "`r`n"
}

function Start-Script {
    New-Item -ItemType File -Force -Path "$Root\run.ps1.new" -Value (Get-RunText) | Out-Null
    Move-Item -Force -Path "$Root\run.ps1.new" -Destination "$Root\run.ps1"
    # On the disk before the task that runs it; where the cmdlet is missing, Windows writes it some seconds
    # later.
    try { Write-VolumeCache -DriveLetter C | Out-Null }
    catch { Write-Host "the disk's cache was not written: $_" }
    $words = "-NoProfile -ExecutionPolicy Bypass -File $Root\run.ps1"
    $run = New-ScheduledTaskAction -Execute powershell.exe -Argument $words
    # A task's usual priority, 7, slows disk and processor.
    $limits = @{ MultipleInstances = 'IgnoreNew'; ExecutionTimeLimit = [TimeSpan]::Zero; Priority = 4 }
    $settings = New-ScheduledTaskSettingsSet @limits
    $task = @{ TaskName = 'microcosm-node'; Action = $run; Settings = $settings; User = 'SYSTEM'
        RunLevel = 'Highest' }
    Register-ScheduledTask @task -Trigger (New-ScheduledTaskTrigger -AtStartup) -Force -ErrorAction Stop |
        Out-Null
    Start-ScheduledTask -TaskName microcosm-node -ErrorAction Stop
}

try {
    Protect-Root
    Save-Inputs
    $problem = ''
    try { Save-Script -Attempts 20 } catch { $problem = "$_"; Send-Failure "bootstrap: $problem" }
    Start-Script   # also without the script: run.ps1 goes on asking for it
}
catch {
    $problem = "$_"
    Send-Failure "bootstrap: $problem"
}
if ($problem) {
    Write-Host "bootstrap failed: $problem"
    exit $ExitBootstrap
}
