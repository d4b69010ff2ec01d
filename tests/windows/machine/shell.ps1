# shell.ps1: cmdlets of PowerShell itself that differ between 5.1 and 7, or that follow the machine's clock.

$Utility = 'Microsoft.PowerShell.Utility'

$Behaviours['Get-Date'] = {
    param($Given)
    if (-not $Given.ContainsKey('Date')) { $Given.Date = $M.Now.LocalDateTime }
    & "$Utility\Get-Date" @Given
}
$Behaviours['Start-Sleep'] = {
    param($Given)
    Step-Clock $(if ($Given.ContainsKey('Milliseconds')) {
        $Given.Milliseconds / 1000
    } else { $Given.Seconds })
    if (($M.Slept += 1) -gt 200000) { Stop-Hung 'a loop of Start-Sleep' }
}
$Behaviours['Measure-Command'] = {
    param($Given)
    $began = $M.Now
    . $Given.Expression | Out-Null
    $M.Now - $began
}
$Behaviours['Write-Host'] = { param($Given) $M.Console.Add("$($Given.Object)") }
$Behaviours['Start-Transcript'] = {
    param($Given)
    Write-MachineFile $Given.Path {
        if (-not (Test-MachineFile $Given.Path)) { Set-MachineFile $Given.Path '' }
    }
    "Transcript started, output file is $($Given.Path)"
}
$Behaviours['Stop-Transcript'] = { param($Given) 'Transcript stopped' }
$Behaviours['Out-File'] = {
    param($Given)
    Write-MachineFile $Given.FilePath { Set-MachineFile $Given.FilePath "$($Given.InputObject)`r`n" }
}

function ConvertFrom-Json {
    # 5.1 has one parameter, joins its lines, and leaves a date a text.
    [CmdletBinding()]
    param([Parameter(Mandatory, Position = 0, ValueFromPipeline)] [AllowEmptyString()] [string] $InputObject)
    begin { $lines = @() }
    process { $lines += $InputObject }
    end {
        try {
            ($lines -join "`n") |
                Microsoft.PowerShell.Utility\ConvertFrom-Json -DateKind String -ErrorAction Stop
        }
        catch { $PSCmdlet.ThrowTerminatingError($_) }
    }
}

function ConvertTo-Json {
    # 5.1 writes ' < > & as \u0027 and so on (JavaScriptSerializer), which makes a report longer.
    [CmdletBinding()]
    param(
        [Parameter(Mandatory, Position = 0, ValueFromPipeline)] [AllowNull()] [object] $InputObject,
        [int] $Depth = 2, [switch] $Compress
    )
    begin { $all = @() }
    process { $all += , $InputObject }
    end {
        $one = if ($all.Count -eq 1) { $all[0] } else { $all }
        $how = @{ Depth = $Depth; Compress = $Compress }
        $text = Microsoft.PowerShell.Utility\ConvertTo-Json -InputObject $one @how
        $text.Replace("'", '\u0027').Replace('<', '\u003c').Replace('>', '\u003e').Replace('&', '\u0026')
    }
}

function Get-Command {
    # PrepareNode.ps1 asks for the path of powershell; everything else is answered by PowerShell.
    [CmdletBinding()] param([Parameter(Position = 0)] [string[]] $Name, [string[]] $CommandType)
    if ($path = Find-Program $Name[0]) {
        return [pscustomobject] @{ Name = Split-Path -Leaf $path; Source = $path }
    }
    Microsoft.PowerShell.Core\Get-Command @PSBoundParameters
}
