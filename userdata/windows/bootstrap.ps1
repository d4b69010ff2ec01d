# bootstrap.ps1: the user-data of a Windows node. It puts the node's script in place, checked, and has Windows run it
# now and at every later start; the work itself is in that script (docs/adr/0012-windows-script-staged.md).
# EC2Launch reads user-data from the instance metadata service, which a Windows node loses when its container network
# comes up. The startup task needs neither EC2Launch nor metadata; its tag "persist" merely repeats this file, which is harmless.
# No comment may hold one of EC2Launch's tags: it takes the first one that it finds (infra/userdata.py refuses it).
#
# Inputs, which the program puts in front of this file as literals:
#   $ScriptBucket $ScriptKey $ScriptSha256   the S3 object that holds the node's script, and its sum
#   and every name in $InputNames below, explained in worker.ps1
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$Root = 'C:\microcosm'
$Script = "$Root\node.ps1"
$ScriptAttempts = 20
$ExitBootstrap = 9
$InputNames = @(
    'StackName', 'Region', 'NodeName', 'ControlPlaneInstanceId', 'KubernetesVersion', 'ContainerdVersion', 'Artifacts',
    'PauseImage', 'PrepullImages', 'RegistryMirror', 'FlannelBackend', 'PodCidr', 'ServiceCidr', 'NodeCidr', 'JoinConfiguration',
    'ExpiryParameter'
)

function Test-Script([string] $Path) {
    (Test-Path $Path) -and (Get-FileHash -Path $Path -Algorithm SHA256).Hash -eq $ScriptSha256
}

function Protect-Root {
    # What lies here runs as SYSTEM: nobody else may write into it (S-1-5-18 is SYSTEM, S-1-5-32-544 Administrators).
    New-Item -ItemType Directory -Force -Path $Root | Out-Null
    & "$env:SystemRoot\System32\icacls.exe" $Root /inheritance:r /grant:r '*S-1-5-18:(OI)(CI)F' '*S-1-5-32-544:(OI)(CI)F' | Out-Null
    if ($LASTEXITCODE -ne 0) { throw "icacls on $Root ended with $LASTEXITCODE" }
}

function Save-Inputs {
    $values = @{}
    foreach ($name in $InputNames) { $values[$name] = (Get-Variable -Name $name).Value }
    Export-Clixml -InputObject $values -Depth 8 -Path "$Root\inputs.xml"
}

function Save-Script {
    for ($attempt = 1; -not (Test-Script $Script); $attempt++) {
        if ($attempt -gt $ScriptAttempts) { throw "no s3://$ScriptBucket/$ScriptKey with sha256 ${ScriptSha256}: $problem" }
        $problem = 'what is there has another sum'
        try {
            Read-S3Object -BucketName $ScriptBucket -Key $ScriptKey -File "$Script.part" -Region $Region | Out-Null
            if (Test-Script "$Script.part") { Move-Item -Force -Path "$Script.part" -Destination $Script; return }
        }
        catch { $problem = "$_" }
        Start-Sleep -Seconds 15
    }
}

# What failed is run again: what was out of reach may be back, and nobody may be there to restart the machine.
$Loop = @'
$code = 1
while ($code) {
    & powershell.exe '-NoProfile' '-ExecutionPolicy' 'Bypass' '-File' 'C:\microcosm\node.ps1'
    $code = $LASTEXITCODE
    if ($code) { Start-Sleep -Seconds 60 }
}
'@

function Start-Script {
    New-Item -ItemType File -Force -Path "$Root\run.ps1" -Value $Loop | Out-Null
    $run = New-ScheduledTaskAction -Execute powershell.exe -Argument "-NoProfile -ExecutionPolicy Bypass -File $Root\run.ps1"
    $settings = New-ScheduledTaskSettingsSet -MultipleInstances IgnoreNew -ExecutionTimeLimit ([TimeSpan]::Zero)
    $start = New-ScheduledTaskTrigger -AtStartup
    Register-ScheduledTask -TaskName microcosm-node -Action $run -Trigger $start -Settings $settings -User SYSTEM -RunLevel Highest -Force | Out-Null
    Start-ScheduledTask -TaskName microcosm-node
}

function Send-Failure([string] $Problem) {
    # A report of another instance is not believed (infra/readiness.py).
    $instance = try { Get-EC2InstanceMetadata -Category InstanceId } catch { '' }
    $detail = 'bootstrap: ' + ($Problem -replace '\s+', ' ')
    $report = @{
        instance = $instance; node = $NodeName; phase = 'feature'; result = 'failed'; phases = @{}
        detail = $detail.Substring(0, [Math]::Min(500, $detail.Length))
    }
    $name = "/microcosm/$StackName/status/$NodeName"
    try { Write-SSMParameter -Name $name -Value (ConvertTo-Json -Compress $report) -Type String -Overwrite $true -Region $Region | Out-Null }
    catch { Write-Host "not reported: $_" }
}

try {
    Protect-Root
    Save-Inputs
    Save-Script
    Start-Script
}
catch {
    Write-Host "bootstrap failed: $_"
    Send-Failure "$_"
    exit $ExitBootstrap
}
