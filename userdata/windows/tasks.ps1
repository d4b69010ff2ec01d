# tasks.ps1: folders that are closed, and code that runs on its own, as a scheduled task.

function Protect-Directory([string] $Path) {
    New-Item -ItemType Directory -Force -Path $Path | Out-Null
    $grants = @('/grant:r', '*S-1-5-18:(OI)(CI)F', '*S-1-5-32-544:(OI)(CI)F')   # SYSTEM and Administrators
    Invoke-Native "$env:SystemRoot\System32\icacls.exe" (@($Path, '/inheritance:r') + $grants) | Out-Null
}

function ConvertTo-Literal([string] $Text) {
    # For code that is written to a file. PowerShell takes the typographic quotes for quotes too
    # (about_Quoting_Rules).
    "'" + ($Text -replace "(['\u2018\u2019\u201a\u201b])", '$1$1') + "'"
}

function Get-FunctionText([string[]] $Names, [string] $Call) {
    # Functions that run later, on their own: their file is made of the very code that stands here.
    $texts = foreach ($name in $Names) {
        "function $name {`r`n$((Get-Item "function:$name").Definition)`r`n}"
    }
    (@($texts) + $Call + '') -join "`r`n"
}

function Get-TaskArgument([string] $Script) { "-NoProfile -ExecutionPolicy Bypass -File $Script" }

function Install-Task([string] $Name, [string] $Script, [int] $Minutes, [string] $Text) {
    # Windows starts no second run of a task beside one that hangs, and would let that one hang for three
    # days.
    Write-TextFile $Script $Text
    $run = New-ScheduledTaskAction -Execute powershell.exe -Argument (Get-TaskArgument $Script)
    $interval = New-TimeSpan -Minutes $Minutes
    $often = New-ScheduledTaskTrigger -Once -At (Get-Date) -RepetitionInterval $interval
    $limits = @{ MultipleInstances = 'IgnoreNew'; ExecutionTimeLimit = New-TimeSpan -Minutes 5 }
    $limit = New-ScheduledTaskSettingsSet @limits
    $task = @{ TaskName = $Name; Action = $run; Trigger = $often; Settings = $limit; User = 'SYSTEM'
        RunLevel = 'Highest' }
    Register-ScheduledTask @task -Force -ErrorAction Stop | Out-Null
}

function Confirm-Task([string] $Name, [string] $Script, [string] $Text) {
    Confirm-Text $Script $Text
    $task = Get-ScheduledTask -TaskName $Name -ErrorAction SilentlyContinue
    Assert-That ($task -and "$($task.State)" -ne 'Disabled') "the task $Name is not there, or disabled"
    # An image may bring a task of the same name that runs another program.
    $runs = @($task.Actions | ForEach-Object { "$($_.Execute) $($_.Arguments)" }) -join '; '
    Assert-That ($runs -eq "powershell.exe $(Get-TaskArgument $Script)") "the task $Name runs '$runs'"
}
