# signatures.ps1: makes functions with the parameter lists of the real cmdlets. What each does is in
# $Behaviours.
#
# A *.signatures file holds a cmdlet a paragraph:
#   Verb-Noun [default parameter set] [?]        "?" says that it has -WhatIf and -Confirm
#       Name|Alias:type{values}(places)<         an indented list
# places: "!" mandatory, a digit the position, per parameter set or for all of them; "<" takes objects of the
# pipeline.

# A function of a module (CDXML or script) sees the global $ErrorActionPreference, never its caller's
# (PowerShell/PowerShell#4568); a compiled cmdlet sees its caller's.
$FunctionNouns = '-(Net\w+|ScheduledTask\w*|MpPreference|VolumeCache)$'
# A change of the machine, before which power may be lost. The others only look, or make an object.
$EffectVerbs = '^(Add|Copy|Export|Install|Invoke|Move|New|Out|Read|Register|Remove|Rename|Restart|Resume|' +
    'Set|Start|Stop|Suspend|Unregister|Write)-'
$NoEffects = '^(New-ScheduledTask\w+|Write-Host|Stop-Transcript|Invoke-CimMethod)$'
$Behaviours = @{}   # cmdlet -> what it does here
$Programs = @{}     # program.exe -> what it does here
$IsFunction, $IsEffect = @{}, @{}
$StandIns = [Collections.Generic.List[string]]::new()

function Get-ParameterText([string] $Entry, [string[]] $Sets) {
    if ($Entry -notmatch '^([\w|]+):(\w+(?:\[\])?)(?:\{(.*?)\})?(?:\((.*?)\))?(<?)$') {
        throw "not a parameter: $Entry"
    }
    $names, $type, $values, $places, $pipe = ($Matches[1] -split '\|'), $Matches[2], $Matches[3], $Matches[4],
    $Matches[5]
    $places = if ($places -match '^!?\d?$') { , "$places" } else { $places -split ',' }
    $lines = foreach ($place in $places) {
        $null = $place -match '^(\w*?)(!?)(\d?)$'
        $words = @(if ($Matches[1]) { "ParameterSetName = '$($Matches[1])'" })
        if ($Matches[2]) { $words += 'Mandatory' }
        if ($Matches[3]) { $words += "Position = $($Matches[3])" }
        if ($pipe) { $words += 'ValueFromPipeline' }
        "[Parameter($($words -join ', '))]"
    }
    if ($names.Count -gt 1) { $lines += "[Alias('$($names[1..9] -join "', '")')]" }
    if ($values) { $lines += "[ValidateSet('$($values -split ',' -join "', '")')]" }
    if ($type -in 'string', 'string[]', 'object') { $lines += '[AllowEmptyString()][AllowNull()]' }
    "$($lines -join '') [$type] `$$($names[0])"
}

function Get-StandInText([string] $Head, [string] $List) {
    $words = $Head -split ' '
    $entries = @(($List -replace ',\s+', ',').Trim() -split '\s+' -ne '')
    $binding = @('PositionalBinding = $false')
    if ($words[1] -match '\w') { $binding += "DefaultParameterSetName = '$($words[1])'" }
    if ($words[-1] -eq '?') { $binding += 'SupportsShouldProcess' }
    $parameters = ($entries | ForEach-Object { Get-ParameterText $_ }) -join ', '
    $body = "Invoke-StandIn '$($words[0])' `$PSBoundParameters `$PSCmdlet"
    $guard = "try { $body } catch { `$PSCmdlet.ThrowTerminatingError(`$_) }"
    "function $($words[0]) { [CmdletBinding($($binding -join ', '))] param($parameters) process { $guard } }"
}

function Import-Signature([string] $Path) {
    $head, $list = '', ''
    foreach ($line in [IO.File]::ReadAllLines($Path) + '.') {
        if ($line.StartsWith('#')) { continue }
        if ($line.StartsWith(' ')) { $list += $line; continue }
        if ($head) {
            $name = ($head -split ' ')[0]
            $StandIns.Add($name)
            $IsFunction[$name] = $name -match $FunctionNouns
            $IsEffect[$name] = $name -match $EffectVerbs -and $name -notmatch $NoEffects
            Get-StandInText $head $list
        }
        $head, $list = $line, ''
    }
}

function Invoke-StandIn([string] $Name, $Bound, $Cmdlet) {
    $given = @{} + $Bound
    $ErrorActionPreference = if ($given.ContainsKey('ErrorAction')) { $given.ErrorAction }
    elseif ($IsFunction[$Name]) { $M.Process.Global.PSVariable.GetValue('script:ErrorActionPreference') }
    else { $Cmdlet.SessionState.PSVariable.GetValue('ErrorActionPreference') }
    foreach ($common in 'ErrorAction', 'Confirm', 'WhatIf', 'Verbose') { $given.Remove($common) }
    if ($IsEffect[$Name]) { Step $Name }
    if ($M.Behaviours.ContainsKey($Name)) { & $M.Behaviours[$Name] $given $Behaviours[$Name] $M }
    elseif ($Behaviours.ContainsKey($Name)) { & $Behaviours[$Name] $given }
    else { throw "$Name has no behaviour on this machine: write one in tests/windows/machine" }
}
