# processes.ps1: the programs that run, and those that are started on their own.

$Behaviours['Get-Process'] = {
    param($Given)
    $found = @($M.Processes | Where-Object {
            (-not $Given.Name -or $_.Name -in $Given.Name) -and (-not $Given.Id -or $_.Id -in $Given.Id) })
    if (-not $found -and $Given.Name) {
        Write-Error ("Cannot find a process with the name `"$($Given.Name)`". Verify the process name and " +
            "call the cmdlet again.")
    }
    $found
}
$Behaviours['Stop-Process'] = {
    param($Given)
    $ids = @($Given.Id) + @($Given.InputObject.Id)
    if (-not ($M.Processes | Where-Object {
        $_.Id -in $ids -or $_.Name -in $Given.Name
    })) { Write-Error 'Cannot find a process.' }
    $M.Processes = @($M.Processes | Where-Object { $_.Id -notin $ids -and $_.Name -notin $Given.Name })
}
$Behaviours['Wait-Process'] = { param($Given) Step-Clock 1 }
$Behaviours['Start-Process'] = {
    param($Given)
    $path = Get-FullPath $Given.FilePath
    if (-not (Test-MachineFile $path)) {
        throw 'This command cannot be run due to the error: The system cannot find the file specified.'
    }
    foreach ($log in $Given.RedirectStandardOutput, $Given.RedirectStandardError -ne $null) {
        Write-MachineFile $log { Set-MachineFile $log '' }   # shared: a second process may write the same one
    }
    $M.Log.Add("start $(Get-Leaf $path) $($Given.ArgumentList)")
    Add-Process $path 300
    if ($Given.ArgumentList -contains 'pull') {
        $pull = @{ Id = $M.Processes[-1].Id; Image = $Given.ArgumentList[-1] }
        Add-Event 299 -With $pull {
            param($M, $Of)
            if ($Of.Id -in $M.Processes.Id) { $M.Images += $Of.Image }
        }
    }
    if ($Given.PassThru) { $M.Processes[-1] }
}

function Add-Process([string] $Path, [double] $Seconds) {
    $process = [pscustomobject] @{
        Name = [IO.Path]::GetFileNameWithoutExtension(($Path -replace '\\', '/')); Id = 4000 +
            (++$M.Started); Path = $Path
    }
    $M.Processes += $process
    Add-Event $Seconds -With $process.Id {
        param($M, $Id)
        $M.Processes = @($M.Processes | Where-Object { $_.Id -ne $Id })
    }
}
