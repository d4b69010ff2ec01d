# watch.ps1: ends a run of the node's script that hangs, so that run.ps1 reports it and begins another one.

function Stop-HungRun {
    # Runs every ten minutes, on its own. Some calls of Windows have no limit: features, downloads that
    # trickle, drivers. state.json is written at each attempt of a phase, of which the longest takes 85
    # minutes.
    $limit = (Get-Date).AddMinutes(-120)
    $runs = Get-CimInstance -ClassName Win32_Process -Filter "Name = 'powershell.exe'" |
        Where-Object { $_.CommandLine -like '*C:\microcosm\node.ps1*' -and $_.CreationDate -lt $limit }
    $state = Get-Item 'C:\microcosm\state.json' -ErrorAction SilentlyContinue
    if ($state -and $state.LastWriteTime -gt $limit) { return }
    foreach ($run in $runs) { Stop-Process -Id $run.Handle -Force }
}

$WatchScript = "$Root\watch.ps1"

function Get-WatchText { Get-FunctionText 'Stop-HungRun' 'Stop-HungRun' }

function Install-WatchTask { Install-Task 'microcosm-watch' $WatchScript 10 (Get-WatchText) }
