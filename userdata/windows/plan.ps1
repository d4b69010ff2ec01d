# plan.ps1: the loop over the phases, what it remembers over a restart, and what it reports while it goes on.

$StateFile = "$Root\state.json"
$PhaseAttempts = 3
# no attempt begins later: run.ps1 begins another run, and the report must not wait for hours
$PhaseSeconds = 2400
$LastReportSeconds = 600
# an error outside of the phases that was reported; run.ps1 reports what has another code
$ExitScript = 19
# Of this run: the instance's id once it is known, the phase, and whether the last report was taken.
$Run = @{ instance = ''; phase = 'feature'; told = $false; began = $false; registered = $false }

function New-State {
    # In order, here and below: a hash table has none, and another order would be another text and another
    # report.
    [ordered] @{
        instance = ''; nodeIp = ''; featureBoot = ''; restarts = 0; attempts = 0
        reported = ''; phases = [ordered] @{}
    }
}

function Read-State {
    $saved = Read-Json $StateFile
    $fresh = New-State
    try {
        foreach ($name in @($fresh.Keys)) { if ($name -ne 'phases') { $fresh[$name] = $saved.$name } }
        $fresh.restarts, $fresh.attempts = [int] $fresh.restarts, [int] $fresh.attempts
        foreach ($phase in $saved.phases.PSObject.Properties) {
            $fresh.phases[$phase.Name] = [ordered] @{ start = $phase.Value.start; end = $phase.Value.end }
        }
        $fresh
    }
    catch {
        # Power was lost while it was written. It holds nothing that the phases cannot find out again.
        Write-Log "$StateFile holds no state of a node, and is begun anew"
        New-State
    }
}

function Save-State {
    $text = $State | ConvertTo-Json -Depth 4
    if (-not [string]::Equals($text, (Read-TextFile $StateFile))) { Write-TextFile $StateFile $text }
}

function Get-UnixTime { ([DateTimeOffset] (Get-Date)).ToUnixTimeSeconds() }

function Find-Instance {
    # The instance's id, once a run; metadata may be out of reach at first. A report without it is not
    # believed. A state of another instance came with an image: nothing of that node may be taken for this
    # one's.
    if ($Run.instance) { return }
    try { $id = Get-Metadata 'instance-id' } catch { Write-Log "no instance id: $_"; return }
    if ($id -notlike 'i-*') { return }
    if ($State.instance -and $State.instance -ne $id) {
        Write-Log "$StateFile is of $($State.instance): begun anew for $id"
        Reset-Join
        Remove-File $NetworkKubeconfig, $SourceVipFile, $ConflistFile
        foreach ($item in (New-State).GetEnumerator()) { $State[$item.Key] = $item.Value }
        $State.instance = $id
        Save-State
        if ($Run.began) { exit $ExitScript }   # phases have been passed over for what has just gone
    }
    $Run.instance = $State.instance = $id
}

function Send-Report([string] $Phase, [string] $Result, [string] $Detail = '') {
    # Each report is the whole story, so the next one makes good for a lost one; and none may fail the work
    # itself. Parameter Store takes "{{" for the name of another parameter, and refuses the value.
    try {
        Find-Instance
        $line = (Hide-Secret $Detail) -replace '\s+', ' ' -replace '\{(?=\{)', '{ '
        $report = [ordered] @{
            instance = $State.instance; node = $NodeName; phase = $Phase; result = $Result
            detail = $line.Substring(0, [Math]::Min(500, $line.Length)); phases = $State.phases
        }
        $json = ConvertTo-Json -Compress -Depth 4 $report
        if ($json -cne $State.reported) {
            $name = "/microcosm/$StackName/status/$NodeName"
            Write-SSMParameter -Name $name -Value $json -Type String -Overwrite $true -Region $Region |
                Out-Null
            $State.reported = $json
        }
        $Run.told = $true
    }
    catch { $Run.told = $false; Write-Log "$Phase ${Result}, not reported: $_" }
    try { Save-State } catch { Write-Log "$StateFile was not written: $_" }
}

function Send-LastReport([string] $Phase, [string] $Result, [string] $Detail = '') {
    # No later report makes good for this one, and `pulumi up` waits for it; a hundred machines may be sending
    # theirs.
    try {
        Wait-Until 'answer to the last report' $LastReportSeconds {
            Send-Report $Phase $Result $Detail
            $Run.told -and $State.instance
        } | Out-Null
    }
    catch { Write-Log "$_" }
}

function Get-Problem([hashtable] $Phase) {
    # What a phase lacks, or nothing.
    try { & $Phase.Test | Out-Null } catch { @("$_", 'no reason is given' -ne '')[0] }
}

function Invoke-Phase([hashtable] $Phase) {
    $spent = 0   # added up, because the clock may be set meanwhile
    for ($attempt = 1; $true; $attempt++) {
        $problem = ''
        $State.attempts++   # microcosm-watch sees by the time of the file that it goes on
        try { Save-State } catch { Write-Log "$StateFile was not written: $_" }
        $spent += (Measure-Command {
                try { & $Phase.Action | Out-Null }
                catch { $problem = "$_"; Write-Log "$_ $($_.InvocationInfo.PositionMessage)" }
                $lack = Get-Problem $Phase
            }).TotalSeconds
        if (-not $lack) { return }
        if (-not $problem) { $problem = "it ran, and $lack" }
        Write-Log "$($Phase.Name), attempt ${attempt}: $problem"
        if ($attempt -ge $PhaseAttempts -or $spent -ge $PhaseSeconds) { break }
        Start-Sleep -Seconds (20 * $attempt)   # what was out of reach may be back
    }
    Send-LastReport $Phase.Name 'failed' $problem
    exit $Phase.ExitCode
}

function Invoke-Plan([hashtable[]] $Plan) {
    $Run.began = $true
    # `pulumi up` believes a failure after some minutes without another report: said first, before tests that
    # wait.
    if ($State.reported -match '"phase":"([\w-]+)","result":"failed"') { Send-Report $Matches[1] 'running' }
    foreach ($phase in $Plan) {
        $Run.phase = $phase.Name
        if (-not $State.phases.Contains($phase.Name)) {
            $State.phases[$phase.Name] = [ordered] @{ start = Get-UnixTime; end = $null }
        }
        if ($lack = Get-Problem $phase) {
            Write-Log "$($phase.Name): $lack"
            $State.phases[$phase.Name].end = $null
            Send-Report $phase.Name 'running'
            Invoke-Phase $phase
        }
        if (-not $State.phases[$phase.Name].end) { $State.phases[$phase.Name].end = Get-UnixTime }
    }
    $State.restarts = 0
    Send-LastReport $Plan[-1].Name 'ok'
}
