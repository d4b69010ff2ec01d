# programs.ps1: the programs that the scripts start, with what they refuse. A function named by a path goes
# before the program, and one of a bare name looks it up on PATH as Windows does.

$Members = @{
    'containerd' = 'containerd.exe', 'ctr.exe', 'containerd-shim-runhcs-v1.exe'
    'cni-plugins' = 'host-local.exe', 'win-overlay.exe', 'win-bridge.exe'
    'kubernetes-node' = 'kubelet.exe', 'kubeadm.exe', 'kubectl.exe', 'kube-proxy.exe'
    'nssm' = @('nssm.exe'); 'nssm.zip' = @('nssm.exe')
}
$Paths = @(
    'tar', 'sc', 'icacls', 'netsh', 'taskkill' | ForEach-Object { "C:\Windows\System32\$_.exe" }
    'C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe'
    'containerd', 'ctr' | ForEach-Object { "C:\Program Files\containerd\$_.exe" }
    'C:\Program Files\nssm\nssm.exe', 'C:\opt\cni\bin\host-local.exe'
    'kubeadm', 'kubectl', 'kubelet', 'kube-proxy', 'flanneld' | ForEach-Object { "C:\k\$_.exe" }
    'C:\Windows\System32\inetsrv\appcmd.exe', 'C:\ServiceMonitor.exe'
)

function Find-Program([string] $Name) {
    if ($Name -match '[\\/]') { $full = Get-FullPath $Name; return $(if (Test-MachineFile $full) { $full }) }
    $file = if ($Name -match '\.exe$') { $Name } else { "$Name.exe" }
    # Windows takes no notice of the case of a variable's name, and PrepareNode.ps1 writes it in two ways.
    foreach ($folder in "$env:Path;$env:path" -split ';' -ne '') {
        if (Test-MachineFile "$folder\$file") { return "$folder\$file" }
    }
}

function Test-Executable([string] $Path) {
    # The content of a program stands for its code: it is its name, or what was downloaded under it.
    if (-not (Test-MachineFile $Path)) { return $false }
    $leaf = Get-Leaf $Path
    (Get-MachineFile $Path) -cin $leaf, "archive $leaf", ($leaf -replace '\.exe$')
}

function Get-SeenArguments([string[]] $Words) {
    # What a real process gets by the quoting of 5.1, which 7 calls Legacy.
    $PSNativeCommandArgumentPassing = 'Legacy'
    (& $M.Echo $Words) -join "`n"
}

function Invoke-Program([string] $Name, $Arguments, $InputLines) {
    $path = Find-Program $Name
    if (-not $path) {
        throw [Management.Automation.CommandNotFoundException] (("The term '$Name' is not recognized as " +
            "the name of a cmdlet, ") +
            'function, script file, or operable program.')
    }
    $leaf = Get-Leaf $path
    if (-not (Test-Executable $path)) {   # a file that power was lost over
        throw ("Program '$leaf' failed to run: The specified executable is not a valid application for " +
            "this OS platform.")
    }
    Step $leaf
    # PowerShell flattens arrays, and 5.1 drops an empty argument (PowerShell/PowerShell#1995).
    $words = @(foreach ($item in $Arguments) { foreach ($word in $item) { if ("$word" -ne '') { "$word" } } })
    $M.Log.Add("$leaf $words".TrimEnd())
    if ($M.Echo -and ($seen = Get-SeenArguments $words) -cne ($words -join "`n")) {
        throw "$leaf would see other arguments: $seen"
    }
    try {
        if ($leaf -in $M.Broken) { throw "$leaf is broken`nand says so" }
        $text = @($InputLines) -join "`n"
        $default = $Programs[$leaf]
        if ($M.Behaviours.ContainsKey($leaf)) {
            & $M.Behaviours[$leaf] $words $default $M $text
        }
        else { & $default $words $text }
        $global:LASTEXITCODE = 0
    }
    catch {
        $code = if ("$_" -match '^exit (\d+): ') { [int] $Matches[1] } else { 1 }
        # on stderr
        foreach ($line in "$_" -replace '^exit \d+: ' -split "`n") {
            Write-Error -Message $line -ErrorAction Continue
        }
        $global:LASTEXITCODE = $code
    }
}

$Spellings = @($Paths) + ($Paths | ForEach-Object {
    $_ -replace '\\', '/'
}) + @('tar', 'nssm', 'sc', 'powershell' | ForEach-Object { $_, "$_.exe" })
foreach ($name in $Spellings) {
    Set-Item -LiteralPath "function:global:$name" -Value ([scriptblock]::Create(("Invoke-Program '$name' " +
        "`$args `$input")))
}

$Programs['tar.exe'] = {
    # libarchive refuses to replace a file that is open (archive_write_disk_windows.c, "Can't unlink
    # already-existing object").
    param($w)
    $archive, $folder = '', (Get-Location).Path
    for ($i = 0; $i -lt $w.Count; $i++) {
        if ($w[$i] -in '-f', '-xf', '-xvf', 'xf') { $archive = $w[$i + 1] }
        if ($w[$i] -in '-C', 'C') { $folder = $w[$i + 1] }
    }
    $key = Get-Leaf $archive
    if (-not (Test-MachineFile (Get-FullPath $archive))) {
        throw "tar: Error opening archive: Failed to open '$archive'"
    }
    if ((Get-MachineFile (Get-FullPath $archive)) -cne "archive $($key -replace '\.zip$')") {
        throw 'tar: Error opening archive: Unrecognized archive format'
    }
    if (-not (Microsoft.PowerShell.Management\Test-Path $folder)) {
        throw "tar: could not chdir to '$folder'"
    }
    $problems = foreach ($member in $Members[$key]) {
        $target = "$folder\$member"
        if ((Get-FullPath $target) -in (Get-RunningProgram)) {
            "${member}: Can't unlink already-existing object: Permission denied"
            continue
        }
        Step 'tar.exe'
        Write-MachineFile $target { Set-MachineFile $target $member }
    }
    if ($problems) { throw ((@($problems) + 'tar: Error exit delayed from previous errors.') -join "`n") }
}

$Programs['containerd.exe'] = {
    # An absent file is forgiven only where --config was not given (containerd v2.2.7,
    # cmd/containerd/command/main.go:132-140).
    param($w)
    $config = $w[[Array]::IndexOf($w, '--config') + 1]
    if (-not (Test-MachineFile $config)) {
        throw "containerd: open ${config}: The system cannot find the file specified."
    }
    if ((Get-MachineFile $config) -notmatch '\Aversion = [23]\r?\n[^\0]*\z') {
        throw "containerd: failed to load TOML: $config"
    }
    if ('--register-service' -notin $w) { throw 'containerd: it would run in the foreground' }
    Add-Service 'containerd' 'C:\Program Files\containerd\containerd.exe'
    $M.Services.containerd.Arguments = @('--run-service') + $w
}
$Programs['ctr.exe'] = {
    param($w)
    if (-not (Test-Running 'containerd')) { throw 'ctr: failed to dial: open //./pipe/containerd-containerd' }
}

$Programs['sc.exe'] = {
    # Error codes of the service control manager: 1060 not there, 1072 marked for deletion.
    param($w)
    if (-not $M.Services.ContainsKey($w[1])) {
        throw ("exit 1060: [SC] OpenService FAILED 1060: The specified service does not exist as an " +
            "installed service.")
    }
    if ($w[0] -eq 'delete') {
        if ($M.Services[$w[1]].Marked) {
            throw ('exit 1072: [SC] DeleteService FAILED 1072: The specified service has been marked for ' +
                'deletion.')
        }
        Remove-Service $w[1]
        return '[SC] DeleteService SUCCESS'
    }
    if ($w[0] -eq 'failure') {
        if ($w -notcontains 'reset=' -or $w -notcontains 'actions=') {
            throw 'exit 1639: USAGE: sc failure [service name] <option1> ...'
        }
        $M.Services[$w[1]].Failure = "$($w[2..9])"
    }
}

# nssm settings.cpp (kirillkovalenko/nssm): the parameters that it knows.
$NssmParameters = 'Application', 'AppDirectory', 'AppParameters', 'AppExit', 'AppAffinity', 'AppEnvironment',
'AppEnvironmentExtra',
'AppNoConsole', 'AppPriority', 'AppRestartDelay', 'AppStdin', 'AppStdout', 'AppStderr',
'AppStopMethodSkip', 'AppThrottle',
'AppRotateFiles', 'AppRotateOnline', 'AppRotateSeconds', 'AppRotateBytes', 'DependOnService',
'Description', 'DisplayName',
'ObjectName', 'Start', 'Type'
$Programs['nssm.exe'] = {
    # It writes UTF-16, so that PowerShell sees a NUL beside each letter (nssm console.cpp).
    param($w)
    function Stop-Nssm([int] $Code, [string] $Text) {
        throw "exit ${Code}: $($Text.ToCharArray() -join "`0")"
    }
    if ($w[0] -eq 'install') {
        if ($w.Count -lt 3) { Stop-Nssm 1 'nssm install <servicename> <app>' }
        if ($M.Services.ContainsKey($w[1])) {
            Stop-Nssm 5 'Error creating service! The specified service already exists.'
        }
        Add-Service $w[1] $w[2]
        $M.Services[$w[1]].Nssm = $true
        $M.Services[$w[1]].Settings = @{ Application = $w[2]; AppParameters = "$($w[3..99])"
            AppThrottle = '1500' }
        # PrepareNode.ps1 has put both folders on the machine's PATH: processes of the next start of Windows
        # see it.
        if ($w[1] -eq 'kubelet') { $M.MachinePath = "$BasePath;C:\k;C:\Program Files\nssm" }
        return
    }
    if ($w[0] -eq 'set') {
        if ($w.Count -lt 3) { Stop-Nssm 1 'nssm set <servicename> <parameter> <value>' }
        if (-not $M.Services.ContainsKey($w[1])) { Stop-Nssm 3 "Can't open service!" }
        if ($w[2] -notin $NssmParameters) { Stop-Nssm 1 "Invalid parameter `"$($w[2])`"" }
        $M.Services[$w[1]].Settings[$w[2]] = "$($w[3..99])"
        if ($w[2] -eq 'DependOnService') { $M.Services[$w[1]].DependsOn = @($w[3]) }
        return
    }
    if ($w[0] -eq 'get') {
        if (-not $M.Services.ContainsKey($w[1])) { Stop-Nssm 3 "Can't open service!" }
        return "$($M.Services[$w[1]].Settings[$w[2]])"
    }
    Stop-Nssm 1 "nssm $($w[0])"
}

$Programs['icacls.exe'] = {
    param($w)
    if (-not (Microsoft.PowerShell.Management\Test-Path $w[0])) {
        throw "exit 2: $($w[0]): The system cannot find the file specified."
    }
    if ($M.DiskFull) { throw 'exit 112: There is not enough space on the disk.' }
    $M.Access[$w[0]] = "$($w[1..9])"
    'Successfully processed 1 files; Failed processing 0 files'
}
$Programs['netsh.exe'] = {
    param($w)
    if ("$w" -notmatch '^int(erface)? ipv4 set dynamicportrange (tcp|udp) (\w+=)?\d+ (\w+=)?\d+( \w+)?$') {
        throw 'The syntax supplied for this command is not valid.'
    }
    'Ok.'
}
$Programs['taskkill.exe'] = {
    param($w)
    $name = $w[[Array]::IndexOf($w, '/im') + 1] -replace '\.exe$'
    if ($name -notin $M.Processes.Name) { throw "exit 128: ERROR: The process `"$name.exe`" not found." }
    $M.Processes = @($M.Processes | Where-Object { $_.Name -ne $name })
}
$Programs['powershell.exe'] = {
    param($w)
    $file = $w[[Array]::IndexOf($w, '-File') + 1]
    if (-not (Test-MachineFile $file)) {
        throw "exit -196608: The argument '$file' to the -File parameter does not exist."
    }
    $code = Invoke-Script $file
    if ($M.Dead) { exit 99 }
    if ($code) { throw "exit ${code}: powershell.exe ended with $code" }
}
$Programs['appcmd.exe'] = { 'Applied configuration changes' }
$Programs['ServiceMonitor.exe'] = {
    param($w)
    if ($w[0] -ne 'w3svc') { throw "exit 1060: ServiceMonitor.exe: $w" }
}
$Programs['kubelet.exe'] = { }
