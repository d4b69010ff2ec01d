# files.ps1: the disk: files that are held, that a loss of power tears, and a disk that is full.

$Real = 'Microsoft.PowerShell.Management'

function Get-RealPath([string] $Path) {
    if ($Path -match '^C:') { return $M.Root + ($Path.Substring(2) -replace '\\', '/') }
    $Path -replace '\\', '/'
}

function Get-FullPath([string] $Path) {
    # As Windows names it, for a path that may be relative.
    if ($Path -notmatch '^C:') { $Path = "$((Get-Location).Path)\$Path" }
    ($Path -replace '[\\/]+', '\').TrimEnd('\')
}

function Set-MachineFile([string] $Path, [string] $Text) {
    $file = Get-RealPath $Path
    [void] [IO.Directory]::CreateDirectory([IO.Path]::GetDirectoryName($file))
    [IO.File]::WriteAllText($file, $Text)
}

function Get-MachineFile([string] $Path) {
    $file = Get-RealPath $Path
    if (-not [IO.File]::Exists($file)) { throw "$Path is not there" }
    [IO.File]::ReadAllText($file)
}

function Test-MachineFile([string] $Path) { [IO.File]::Exists((Get-RealPath $Path)) }

function Get-Sum([string] $Text) {
    $bytes = [Security.Cryptography.SHA256]::Create().ComputeHash([Text.Encoding]::UTF8.GetBytes($Text))
    [BitConverter]::ToString($bytes).Replace('-', '').ToLower()
}

function Assert-Free([string] $Path) {
    # A file that a scanner has opened, or the program of a process that runs: no other may write, read for itself, or
    # delete it (Windows SDK, ERROR_SHARING_VIOLATION).
    $full = Get-FullPath $Path
    $until = $M.Held[$full]
    if ($until -is [int] -or $until -is [double]) { $M.Held[$full] = $until = $M.Now.AddSeconds($until) }
    if (($until -and $until -gt $M.Now) -or $full -in (Get-RunningProgram)) {
        throw [IO.IOException] "The process cannot access the file '$full' because it is being used by another process."
    }
}

function Write-MachineFile([string] $Path, [scriptblock] $Write) {
    # Every write goes this way: what it may meet, and what a loss of power right after it leaves.
    Assert-Free $Path
    if ($M.DiskFull) { throw [IO.IOException] 'There is not enough space on the disk.' }
    & $Write
    $M.Writes += @{ Call = $M.Calls; Path = Get-FullPath $Path }
    if ($M.Calls -eq $M.TearAt) {
        $M.Crashes++
        Set-TornFile $Path $M.Tear
        $M.Dead = $true
        exit 99
    }
}

function Set-TornFile([string] $Path, [string] $How) {
    # What NTFS leaves of data that was not flushed: its journal keeps names and sizes, not contents.
    $file = Get-RealPath (Get-FullPath $Path)
    $bytes = [IO.File]::ReadAllBytes($file)
    $torn = switch ($How) {
        'empty' { , [byte[]]::new(0) }
        'zeros' { , [byte[]]::new([Math]::Max(1, $bytes.Length)) }
        'half' { , [byte[]] $bytes[0..[Math]::Max(0, [Math]::Floor($bytes.Length / 2) - 1)] }
        'more' { , [byte[]] ($bytes + [byte[]]::new(64)) }
        default { throw "no way to tear a file: '$How'" }
    }
    [IO.File]::WriteAllBytes($file, $torn)
}

$Behaviours['New-Item'] = {
    param($Given)
    if ($Given.Path[0] -like 'HKLM:*') { $M.Registry[$Given.Path[0]] = @{}; return }
    if ($Given.ItemType -match '^(SymbolicLink|Junction)$') {
        $Given.Value = Get-RealPath $Given.Value
        return & "$Real\New-Item" @Given
    }
    if ($Given.ItemType -ne 'File') { return & "$Real\New-Item" @Given }
    Write-MachineFile $Given.Path[0] { & "$Real\New-Item" @Given }
}
$Behaviours['Copy-Item'] = {
    param($Given)
    foreach ($source in $Given.Path) {
        if (-not (Microsoft.PowerShell.Management\Test-Path $source)) { throw "Cannot find path '$source' because it does not exist." }
        $target = $Given.Destination
        if (Microsoft.PowerShell.Management\Test-Path $target -PathType Container) { $target = "$target\$(Split-Path -Leaf $source)" }
        Assert-Readable $source
        Write-MachineFile $target { & "$Real\Copy-Item" @Given }
    }
}
$Behaviours['Move-Item'] = {
    param($Given)
    $source = $Given.Path[0]
    # A program that runs may be moved, but not written or deleted.
    if ((Get-FullPath $source) -notin (Get-RunningProgram)) { Assert-Free $source }
    $target = $Given.Destination
    if (Microsoft.PowerShell.Management\Test-Path $target) {
        if (-not $Given.Force) { throw 'Cannot create a file when that file already exists.' }
        Assert-Free $target
    }
    & "$Real\Move-Item" @Given
    $M.Writes += @{ Call = $M.Calls; Path = Get-FullPath $target }
    if ($M.Calls -eq $M.TearAt) { $M.Crashes++; Set-TornFile $target $M.Tear; $M.Dead = $true; exit 99 }
}
$Behaviours['Remove-Item'] = {
    param($Given)
    foreach ($path in $Given.Path + $Given.LiteralPath -ne $null) {
        $found = @(Microsoft.PowerShell.Management\Get-Item -Path $path -ErrorAction SilentlyContinue -Force)
        if (-not $found -and -not [WildcardPattern]::ContainsWildcardCharacters($path)) {
            Write-Error "Cannot find path '$path' because it does not exist."
        }
        foreach ($item in $found) {
            $full = 'C:' + ($item.FullName.Substring($M.Root.Length) -replace '/', '\')
            Assert-Free $full
            if ($item.LinkType) {   # Windows PowerShell 5.1 follows the link (PowerShell/PowerShell#621)
                Microsoft.PowerShell.Management\Get-ChildItem $item.ResolvedTarget -Recurse -File | ForEach-Object { $_.Delete() }
            }
            $more = if ($Given.Recurse) { @{ Recurse = $true } } else { @{} }
            & "$Real\Remove-Item" -LiteralPath $item.FullName -Force:([bool] $Given.Force) @more
        }
    }
}
$Behaviours['Rename-Item'] = { param($Given) Assert-Free $Given.Path; & "$Real\Rename-Item" @Given }
$Behaviours['Set-Content'] = { param($Given) Write-MachineFile $Given.Path[0] { & "$Real\Set-Content" @Given } }
$Behaviours['Add-Content'] = { param($Given) Write-MachineFile $Given.Path[0] { & "$Real\Add-Content" @Given } }
$Behaviours['Export-Clixml'] = {
    param($Given)
    Write-MachineFile $Given.Path { & 'Microsoft.PowerShell.Utility\Export-Clixml' @Given }
}

function Assert-Readable([string] $Path) {
    # A program that runs can be read; a file that a scanner holds cannot.
    if ($M.Held.ContainsKey((Get-FullPath $Path))) { Assert-Free $Path }
}

$Behaviours['Get-Content'] = {
    param($Given)
    if ($Given.Path) { Assert-Readable $Given.Path[0] }
    & "$Real\Get-Content" @Given
}
$Behaviours['Get-FileHash'] = {
    param($Given)
    $path = @($Given.Path + $Given.LiteralPath)[0]
    if (-not (Test-MachineFile $path)) { throw "Cannot find path '$path' because it does not exist." }
    Assert-Readable $path
    & 'Microsoft.PowerShell.Utility\Get-FileHash' @Given
}
$Behaviours['Import-Clixml'] = { param($Given) & 'Microsoft.PowerShell.Utility\Import-Clixml' @Given }
$Behaviours['Get-Item'] = {
    param($Given)
    $path = @($Given.Path + $Given.LiteralPath)[0]
    if ($path -like 'function:*') {   # one of the script's own
        return & $M.Process.Module { Microsoft.PowerShell.Management\Get-Item -Path $args[0] } $path
    }
    & "$Real\Get-Item" @Given
}
$Behaviours['Get-ChildItem'] = { param($Given) & "$Real\Get-ChildItem" @Given }
$Behaviours['Test-Path'] = {
    param($Given)
    $path = @($Given.Path + $Given.LiteralPath)[0]
    if ($path -match '^(\\\\|//)\.[\\/]pipe[\\/]containerd') { return Test-Pipe }
    if ($path -like 'HKLM:*') { return $M.Registry.ContainsKey($path) }
    & "$Real\Test-Path" @Given
}

function mkdir { param([string] $Path, [switch] $Force) New-Item -ItemType Directory -Path $Path -Force:$Force }
$Behaviours['Write-VolumeCache'] = { param($Given) if ("$($Given.DriveLetter)$($Given.FilePath)" -notmatch '^C') { throw 'No volume is there.' } }
