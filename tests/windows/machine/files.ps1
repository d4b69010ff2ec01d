# files.ps1: the disk: files that are held, that a loss of power tears, and a disk that is full. What the
# scripts do all the time goes by .NET: PowerShell's own cmdlets on a drive take ten times as long, and a walk
# makes hundreds of calls.

$Real = 'Microsoft.PowerShell.Management'
$Slashes = [regex] '[\\/]+'

function Get-RealPath([string] $Path) {
    $path = $Path.Replace('\', '/')
    if ($path.StartsWith('C:', 'OrdinalIgnoreCase')) { $M.Root + $path.Substring(2) } else { $path }
}

function Get-FullPath([string] $Path) {
    # As Windows names it, for a path that may be relative; a test may give a real one.
    if ($Path.StartsWith('/')) { return $Path }
    if (-not $Path.StartsWith('C:', 'OrdinalIgnoreCase')) { $Path = "$((Get-Location).Path)\$Path" }
    $Slashes.Replace($Path, '\').TrimEnd('\')
}

function Get-Leaf([string] $Path) { $Path.Substring($Path.LastIndexOfAny('\/') + 1) }

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
    # A file that a scanner has opened, or the program of a process that runs: no other may write, read for
    # itself, or delete it (Windows SDK, ERROR_SHARING_VIOLATION).
    $full = Get-FullPath $Path
    $until = $M.Held[$full]
    if ($until -is [int] -or $until -is [double]) { $M.Held[$full] = $until = $M.Now.AddSeconds($until) }
    $runs = $full.EndsWith('.exe', 'OrdinalIgnoreCase') -and $full -in (Get-RunningProgram)
    if (($until -and $until -gt $M.Now) -or $runs) {
        $text = "The process cannot access the file '$full' because it is being used by another process."
        throw [IO.IOException]::new($text, -2147024864)   # ERROR_SHARING_VIOLATION
    }
}

function Write-MachineFile([string] $Path, [scriptblock] $Write) {
    # Every write goes this way: what it may meet, and what a loss of power right after it leaves.
    Assert-Free $Path
    # ERROR_DISK_FULL
    if ($M.DiskFull) { throw [IO.IOException]::new('There is not enough space on the disk.', -2147024784) }
    & $Write
    Add-Written (Get-FullPath $Path)
}

function Add-Written([string] $Path) {
    $M.Writes.Add(@{ Call = $M.Calls; Path = $Path })
    # A scanner looks into each new file, and holds it meanwhile (actions/runner-images#4415).
    $seconds = if ($M.Scans.ContainsKey($Path)) {
        $M.Scans[$Path]
        $M.Scans.Remove($Path)
    } else { $M.ScanSeconds }
    if ($seconds) { $M.Held[$Path] = $M.Now.AddSeconds($seconds) }
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
    if (-not $Given.Force) { return & "$Real\New-Item" @Given }
    if ($Given.ItemType -ne 'File') {
        foreach ($path in $Given.Path) {
            [void] [IO.Directory]::CreateDirectory((Get-RealPath (Get-FullPath $path)))
        }
        return
    }
    # With -Force it makes the folders, replaces the text, and writes UTF-8 without a byte order mark.
    Write-MachineFile $Given.Path[0] { Set-MachineFile (Get-FullPath $Given.Path[0]) "$($Given.Value)" }
}
$Behaviours['Copy-Item'] = {
    param($Given)
    foreach ($source in $Given.Path) {
        if (-not (Test-MachineFile (Get-FullPath $source))) {
            throw "Cannot find path '$source' because it does not exist."
        }
        $target = Get-FullPath $Given.Destination
        if ([IO.Directory]::Exists((Get-RealPath $target))) { $target = "$target\$(Get-Leaf $source)" }
        Assert-Readable $source
        Write-MachineFile $target {
            [IO.File]::Copy((Get-RealPath (Get-FullPath $source)), (Get-RealPath $target), $true)
        }
    }
}
$Behaviours['Move-Item'] = {
    param($Given)
    $source, $target = (Get-FullPath $Given.Path[0]), (Get-FullPath $Given.Destination)
    if (-not (Test-MachineFile $source)) { throw "Cannot find path '$source' because it does not exist." }
    # A program that runs may be moved, but not written or deleted.
    if (-not $source.EndsWith('.exe') -or $source -notin (Get-RunningProgram)) { Assert-Free $source }
    if (Test-MachineFile $target) {
        if (-not $Given.Force) { throw 'Cannot create a file when that file already exists.' }
        Assert-Free $target
    }
    [IO.File]::Move((Get-RealPath $source), (Get-RealPath $target), $true)
    Add-Written $target
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
                Microsoft.PowerShell.Management\Get-ChildItem $item.ResolvedTarget -Recurse -File |
                    ForEach-Object { $_.Delete() }
            }
            $more = if ($Given.Recurse) { @{ Recurse = $true } } else { @{} }
            & "$Real\Remove-Item" -LiteralPath $item.FullName -Force:([bool] $Given.Force) @more
        }
    }
}
$Behaviours['Rename-Item'] = { param($Given) Assert-Free $Given.Path; & "$Real\Rename-Item" @Given }
$Behaviours['Set-Content'] = {
    param($Given)
    Write-MachineFile $Given.Path[0] { & "$Real\Set-Content" @Given }
}
$Behaviours['Add-Content'] = {
    param($Given)
    Write-MachineFile $Given.Path[0] { & "$Real\Add-Content" @Given }
}
$Behaviours['Export-Clixml'] = {
    param($Given)
    Write-MachineFile $Given.Path { & 'Microsoft.PowerShell.Utility\Export-Clixml' @Given }
}

function Assert-Readable([string] $Path) {
    # A program that runs can be read; a file that a scanner holds cannot.
    $until = $M.Held[(Get-FullPath $Path)]
    if ($until -and ($until -isnot [DateTimeOffset] -or $until -gt $M.Now)) { Assert-Free $Path }
}

$Behaviours['Get-Content'] = {
    param($Given)
    if ($Given.Path) {
        Assert-Readable $Given.Path[0]
        $file = Get-RealPath (Get-FullPath $Given.Path[0])
        if ($Given.Raw -and $Given.Encoding -in $null, 'UTF8' -and [IO.File]::Exists($file)) {
            $text = [IO.File]::ReadAllText($file)
            return $(if ($text) { $text })   # of an empty file it gives nothing at all
        }
    }
    & "$Real\Get-Content" @Given
}
$Behaviours['Get-FileHash'] = {
    param($Given)
    $path = @($Given.Path + $Given.LiteralPath)[0]
    $file = Get-RealPath (Get-FullPath $path)
    if (-not [IO.File]::Exists($file)) { throw "Cannot find path '$path' because it does not exist." }
    Assert-Readable $path
    $algorithm = if ($Given.Algorithm) { $Given.Algorithm } else { 'SHA256' }
    $hash = [Security.Cryptography.HashAlgorithm]::Create($algorithm)
    $bytes = $hash.ComputeHash([IO.File]::ReadAllBytes($file))
    [pscustomobject] @{ Algorithm = $algorithm; Hash = [Convert]::ToHexString($bytes); Path = $path }
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
    if ($path.StartsWith('\\.\pipe\containerd') -or $path.StartsWith('//./pipe/containerd')) {
        return Test-Pipe
    }
    if ($path.StartsWith('HKLM:')) { return $M.Registry.ContainsKey($path) -or [bool] (Get-ServiceKey $path) }
    if ($Given.Count -gt 1 -or -not $path.StartsWith('C:') -or
        [WildcardPattern]::ContainsWildcardCharacters($path)) {
        return & "$Real\Test-Path" @Given
    }
    $file = Get-RealPath $path
    [IO.File]::Exists($file) -or [IO.Directory]::Exists($file)
}

function mkdir {
    param([string] $Path, [switch] $Force)
    New-Item -ItemType Directory -Path $Path -Force:$Force
}
$Behaviours['Write-VolumeCache'] = {
    param($Given)
    if ("$($Given.DriveLetter)$($Given.FilePath)" -notmatch '^C') { throw 'No volume is there.' }
}
