# expiry.ps1: ends the machine when its stack's time is over; AWS terminates what shuts itself down.

$ExpiryFile = "$Root\expiry"
$ExpiryScript = "$Root\stop-expired.ps1"

function Stop-Expired {
    # Runs every five minutes, on its own. A node whose container network lost the way to SSM goes by the last
    # end that it read, three hours later, in case the stack was extended meanwhile.
    $ErrorActionPreference = 'Stop'
    $file = 'C:\microcosm\expiry'
    $now = ([DateTimeOffset] (Get-Date)).ToUnixTimeSeconds()
    $patience = 0
    try {
        $expiry = (Get-SSMParameter -Name $ExpiryParameter -Region $Region).Value | ConvertFrom-Json
        if ("$($expiry.graceMinutes)" -notmatch '^[0-9]+$') {
            throw 'it has no grace, which would count as 0'
        }
        $end = [DateTimeOffset]::Parse($expiry.expiresAt).ToUnixTimeSeconds()
        $kept = "$([long] ($end + 60 * $expiry.graceMinutes))"
    }
    catch {
        $patience = 10800
        $kept = if (Test-Path $file) { [string] (Get-Content -Raw -Path $file) } else { '' }
        # Ten digits, and nothing else: '' would count as 0, and half of a time as one that is long past. A
        # file that is not whole is written anew with the longest life, so that the machine does end.
        if ($kept -cnotmatch '\A[0-9]{10}\z') { $kept = "$($now + 262800)" }
    }
    try {
        New-Item -ItemType File -Force -Path "$file.new" -Value $kept | Out-Null
        Move-Item -Force -Path "$file.new" -Destination $file
    }
    catch { Write-Host "$file was not written: $_" }   # a full disk must not keep the machine alive
    if ($now -ge $patience + [long] $kept) { Stop-Computer -Force }
}

function Get-ExpiryText {
    $values = ("`$ExpiryParameter = $(ConvertTo-Literal $ExpiryParameter); `$Region = " +
        "$(ConvertTo-Literal $Region)")
    Get-FunctionText 'Stop-Expired' "$values; Stop-Expired"
}

function Install-ExpiryTask {
    if (-not $ExpiryParameter) { return }
    # Until the parameter could be read for the first time: no preview may live longer than 73 hours.
    if (-not (Test-Path $ExpiryFile)) { Write-TextFile $ExpiryFile "$((Get-UnixTime) + 262800)" }
    Install-Task 'microcosm-expiry' $ExpiryScript 5 (Get-ExpiryText)
}
