# plan.ps1: the loop over the phases, what it remembers over a restart, and what it reports while it goes on.

$StateFile = "$Root\state.json"
$PhaseAttempts = 3
$LastReportSeconds = 600

function Read-State {
    $empty = @{ instance = ''; nodeIp = ''; featureBoot = ''; hostReady = $false; reported = ''; phases = [ordered] @{} }
    if (-not (Test-Path $StateFile)) { return $empty }
    try {
        $saved = Read-TextFile $StateFile | ConvertFrom-Json
        $phases = [ordered] @{}   # another order would be another report
        foreach ($phase in $saved.phases.PSObject.Properties) { $phases[$phase.Name] = [ordered] @{ start = $phase.Value.start; end = $phase.Value.end } }
        @{
            instance = $saved.instance; nodeIp = $saved.nodeIp; featureBoot = $saved.featureBoot
            hostReady = $saved.hostReady; reported = $saved.reported; phases = $phases
        }
    }
    catch {
        # Power was lost while it was written. It holds nothing that the phases cannot find out again.
        Write-Log "$StateFile is unreadable, and started anew: $_"
        $empty
    }
}

function Save-State {
    Write-TextFile "$StateFile.new" ($State | ConvertTo-Json -Depth 4)
    Move-Item -Force -Path "$StateFile.new" -Destination $StateFile
}

function Get-UnixTime { ([DateTimeOffset] (Get-Date)).ToUnixTimeSeconds() }

function Send-Report([string] $Phase, [string] $Result, [string] $Detail = '') {
    # Each report is the whole story, so the next one makes good for a lost one; and none may fail the work itself.
    if (-not $State.instance) { try { $State.instance = Get-EC2InstanceMetadata -Category InstanceId } catch { Write-Log "no instance id: $_" } }
    $line = ($Detail -replace '\s+', ' ')
    $report = [ordered] @{
        instance = $State.instance; node = $NodeName; phase = $Phase; result = $Result
        detail = $line.Substring(0, [Math]::Min(500, $line.Length)); phases = $State.phases
    }
    $json = ConvertTo-Json -Compress -Depth 4 $report
    try {
        if ($json -ne $State.reported) {
            Write-SSMParameter -Name "/microcosm/$StackName/status/$NodeName" -Value $json -Type String -Overwrite $true -Region $Region | Out-Null
            $State.reported = $json
        }
        $State.told = $true
    }
    catch { $State.told = $false; Write-Log "$Phase ${Result}, not reported: $_" }
    Save-State
}

function Send-LastReport([string] $Phase, [string] $Result, [string] $Detail = '') {
    # No later report makes good for this one, and `pulumi up` waits for it; a hundred machines may be sending theirs.
    try { Wait-Until 'answer to the last report' $LastReportSeconds { Send-Report $Phase $Result $Detail; $State.told } | Out-Null }
    catch { Write-Log "$_" }
}

function Test-Phase([hashtable] $Phase) {
    try { [bool] (& $Phase.Test) } catch { Write-Log "$($Phase.Name): $_"; $false }
}

function Invoke-Phase([hashtable] $Phase) {
    for ($attempt = 1; $attempt -le $PhaseAttempts; $attempt++) {
        $problem = 'it ran, and what it makes is not there'
        try { & $Phase.Action } catch { $problem = "$_"; Write-Log "$_ $($_.InvocationInfo.PositionMessage)" }
        if (Test-Phase $Phase) { return }
        Write-Log "$($Phase.Name), attempt ${attempt}: $problem"
        Start-Sleep -Seconds (20 * $attempt)   # what was out of reach may be back
    }
    Send-LastReport $Phase.Name 'failed' $problem
    exit $Phase.ExitCode
}

function Invoke-Plan([hashtable[]] $Plan) {
    foreach ($phase in $Plan) {
        if (-not $State.phases.Contains($phase.Name)) { $State.phases[$phase.Name] = [ordered] @{ start = Get-UnixTime; end = $null } }
        if (-not (Test-Phase $phase)) {
            $State.phases[$phase.Name].end = $null
            Send-Report $phase.Name 'running'
            Invoke-Phase $phase
        }
        if (-not $State.phases[$phase.Name].end) { $State.phases[$phase.Name].end = Get-UnixTime }
    }
    Send-LastReport $Plan[-1].Name 'ok'
}
