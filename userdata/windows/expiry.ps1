# expiry.ps1: ends the machine when its stack's time is over; AWS terminates what shuts itself down.

$ExpiryFile = "$Root\expiry"

function Stop-Expired {
    # Runs every five minutes, on its own. A node whose container network lost the way to SSM goes by the last end that it
    # read, three hours later, in case the stack was extended meanwhile.
    $ErrorActionPreference = 'Stop'
    $patience = 0
    try {
        $expiry = (Get-SSMParameter -Name $ExpiryParameter -Region $Region).Value | ConvertFrom-Json
        $end = [DateTimeOffset]::Parse($expiry.expiresAt).ToUnixTimeSeconds() + 60 * $expiry.graceMinutes
        New-Item -ItemType File -Force -Path 'C:\microcosm\expiry.new' -Value "$end" | Out-Null
        Move-Item -Force -Path 'C:\microcosm\expiry.new' -Destination 'C:\microcosm\expiry'
    }
    catch { $patience = 10800 }
    $kept = [string] (Get-Content -Raw -Path 'C:\microcosm\expiry')
    if ($kept -notmatch '^\d+$') { throw "C:\microcosm\expiry holds no time: '$kept'" }   # '' would count as 0, long past
    if (([DateTimeOffset] (Get-Date)).ToUnixTimeSeconds() -ge $patience + $kept) { Stop-Computer -Force }
}

function Install-ExpiryTask {
    if (-not $ExpiryParameter) { return }
    # Until the parameter could be read for the first time: no preview may live longer than 73 hours.
    if (-not (Test-Path $ExpiryFile)) { Write-TextFile $ExpiryFile "$((Get-UnixTime) + 262800)" }
    $script = "$Root\stop-expired.ps1"
    $values = "`$ExpiryParameter = $(ConvertTo-Literal $ExpiryParameter); `$Region = $(ConvertTo-Literal $Region)"
    Write-TextFile $script (Get-FunctionText 'Stop-Expired' "$values; Stop-Expired")
    $run = New-ScheduledTaskAction -Execute powershell.exe -Argument "-NoProfile -ExecutionPolicy Bypass -File $script"
    $often = New-ScheduledTaskTrigger -Once -At (Get-Date) -RepetitionInterval (New-TimeSpan -Minutes 5)
    Register-ScheduledTask -TaskName microcosm-expiry -Action $run -Trigger $often -User SYSTEM -RunLevel Highest -Force | Out-Null
}
