# life.ps1: a machine from its first start to its end, and what interrupts a script on it.

$Downloads = 'kubernetes-node', 'containerd', 'cni-plugins', 'flanneld.exe', 'flannel-cni.exe',
'PrepareNode.ps1', 'nssm'
$Join = @{
    endpoint = '10.0.0.4:6443'; token = 'abcdef.0123456789abcdef'; caCertHash = 'sha256:ab'
    expires = '2099-01-01T00:00:00Z'
}
$BasePath = 'C:\Windows\System32;C:\Windows;C:\Windows\System32\WindowsPowerShell\v1.0'
$HangSeconds = 86400

function New-Machine([hashtable] $Inputs = @{}) {
    Remove-Machine
    $root = Join-Path ([IO.Path]::GetTempPath()) "machine-$([Guid]::NewGuid())"
    [void] [IO.Directory]::CreateDirectory($root)
    New-PSDrive -Name C -PSProvider FileSystem -Root $root -Scope Global | Out-Null
    $script:M = @{
        Root = $root; Behaviours = @{}; Web = @{}; Parameters = @{}; Reports = @(); ReportedAt = @()
        Access = @{}; Tasks = @{}
        Log = [Collections.Generic.List[string]]::new(); Console = [Collections.Generic.List[string]]::new()
        Writes = [Collections.Generic.List[object]]::new()
        Broken = @(); Held = @{}; DiskFull = $false; Hung = ''; Processes = @(); Excluded = @(); Echo = ''
        Calls = 0; Started = 0; CrashAt = 0; EndAt = 0; TearAt = 0; Tear = ''; FullAt = 0; Crashes = 0
        Dead = $false; Scans = @{}; ScanSeconds = 0
        Now = [DateTimeOffset] '2026-11-25T09:00:00Z'; Boot = 1; Restarting = $false; Stopped = $false
        Events = [Collections.ArrayList]::new(); MachinePath = $BasePath; Path = $BasePath
        Process = @{ Global = $null }
        Instance = 'i-0win'; NodeIp = '10.0.3.7'; PodCidr = '10.244.2.0/24'; NodeInCluster = $false
        Joined = ''; Lease = $false
        Silent = @(); Answers = @(); DisabledTasks = @(); Images = @()
    }
    Set-Location C:\
    Initialize-Windows
    Initialize-Network
    $artifacts = @{}
    foreach ($name in $Downloads) {
        $content = if ($name -eq 'PrepareNode.ps1') { Get-PrepareNodeText } else { "archive $name" }
        $M.Web["https://example.org/$name"] = $content
        $artifacts[$name] = @{ Urls = @("https://example.org/$name"); Sum = "sha256:$(Get-Sum $content)" }
    }
    $M.Inputs = @{
        StackName = 'dev'; Region = 'eu-west-1'; NodeName = 'windows-0'; ControlPlaneInstanceId = 'i-0cp'
        KubernetesVersion = '1.35.8'; ContainerdVersion = '2.2.7'; Artifacts = $artifacts
        PauseImage = 'registry.k8s.io/pause:3.10.2'; PrepullImages = @('mcr.microsoft.com/wcf:1')
        RegistryMirror = ''
        FlannelBackend = 'vxlan'
        FlannelNetConf = '{"Network": "10.244.0.0/16", "Backend": {"Type": "vxlan", "VNI": 4096, ' +
            '"Port": 4789}}'
        PodCidr = '10.244.0.0/16'; ServiceCidr = '10.96.0.0/12'
        NodeCidr = '10.0.0.0/16'
        JoinConfiguration = "endpoint: @API_ENDPOINT@`ntoken: @TOKEN@`nhash: @CA_HASH@`n"
        ExpiryParameter = ''
    }
    foreach ($item in $Inputs.GetEnumerator()) { $M.Inputs[$item.Key] = $item.Value }
    foreach ($artifact in @($M.Inputs.Artifacts.GetEnumerator())) {
        # With other addresses the content stays, so that its sum is right.
        $content = $M.Web["https://example.org/$($artifact.Key)"]
        foreach ($url in $artifact.Value.Urls) { $M.Web[$url] = $content }
        $M.Inputs.Artifacts[$artifact.Key] = @{ Urls = $artifact.Value.Urls
            Sum = "sha256:$(Get-Sum $content)" }
    }
    $plane, $documents = $M.Inputs.ControlPlaneInstanceId, "/microcosm/$($M.Inputs.StackName)"
    $M.Parameters["$documents/join"] = ConvertTo-Json (@{} + $Join + @{ instance = $plane })
    $M.Parameters["$documents/windows-network"] = ConvertTo-Json @{ instance = $plane
        kubeconfig = 'a kubeconfig' }
    $M.Original = [Management.Automation.PSSerializer]::Serialize($M.Inputs, 8)
    Set-MachineFile 'C:\microcosm\inputs.xml' $M.Original
    $M
}

function Remove-Machine {
    if (-not $M) { return }
    Set-Location /
    Remove-PSDrive -Name C -Scope Global -Force
    [IO.Directory]::Delete($M.Root, $true)
    $script:M = $null
}

function Restart-Machine {
    # What a start of Windows does: a pending feature comes, networks and processes are gone, automatic
    # services run.
    $M.Boot++; $M.Dead = $false; $M.Restarting = $false
    $M.Path = $M.MachinePath
    $M.Processes = @()
    $M.Held.Clear()
    Restart-Windows
    Restart-Network
    Restart-ServiceManager
}

function Invoke-Script([string] $Path) {
    # Runs a script as `powershell -File` does, and gives its exit code: that of `exit`, 1 for an error that
    # nothing caught, else 0. Its top scope is a new session state. A pipeline of its own, because inside a
    # `try` an error of a statement ends the script, which otherwise goes on.
    $outer = $M.Process
    $variables = [Environment]::GetEnvironmentVariables()
    if (-not $outer.Global) { $env:Path = $M.Path }   # else it inherits that of the process that starts it
    $module = [psmoduleinfo]::new($true)
    # A process of its own begins with Continue, whatever the tests themselves have.
    $module.SessionState.PSVariable.Set('ErrorActionPreference', 'Continue')
    $M.Process = @{ Global = $module.SessionState; Module = $module }
    $shell = [powershell]::Create('CurrentRunspace')
    $text = 'param($Top, $File) . $Top { . $args[0] *>&1; $global:ScriptEnded = $? } $File'
    [void] $shell.AddScript($text).AddArgument($module).AddArgument((Get-RealPath $Path))
    $global:LASTEXITCODE = 0
    $output = [Management.Automation.PSDataCollection[psobject]]::new()
    $location = Get-Location
    try {
        $shell.Invoke($null, $output)
        if ($global:ScriptEnded) { 0 } else { $LASTEXITCODE }
    }
    catch { $M.Console.Add("$($_.Exception.InnerException.Message)"); 1 }
    finally {
        $output | ForEach-Object { $M.Console.Add("$_") }
        $shell.Dispose()
        $M.Process = $outer
        Set-Location $location
        foreach ($name in @([Environment]::GetEnvironmentVariables().Keys)) {
            if ("$([Environment]::GetEnvironmentVariable($name))" -cne "$($variables[$name])") {
                [Environment]::SetEnvironmentVariable($name, $variables[$name])
            }
        }
    }
}

function Invoke-AtEveryStart([string] $Path) {
    # Starts the machine again after a loss of power and a restart; ends with the first exit code of one that
    # is up.
    foreach ($start in 1..10) {
        $code = Invoke-Script $Path
        if ($M.Hung) { throw "it hangs in $($M.Hung): $($M.Console | Select-Object -Last 3)" }
        if (-not $M.Dead) { return $code }
        Restart-Machine
    }
    throw "not settled after 10 starts: $($M.Console | Select-Object -Last 3)"
}

function Step([string] $What) {
    # Before every change. `exit` is what no catch catches; what `finally` tries to change afterwards ends
    # here as well.
    $M.Calls++
    $M.Now = $M.Now.AddSeconds(0.1)
    if ($M.Calls -in $M.CrashAt, $M.EndAt -and -not $M.Dead) { $M.Crashes++; $M.Dead = $true }
    if ($M.Calls -eq $M.FullAt) { $M.Crashes++; $M.DiskFull = $true }
    if ($M.Restarting) { $M.Dead = $true }
    if ($M.Dead) { exit 99 }
}

function Stop-Hung([string] $What) {
    $M.Hung = $What
    $M.Dead = $true
    exit 98
}

function Step-Clock([double] $Seconds) {
    # Time passes, and with it happens what was to come.
    $end = $M.Now.AddSeconds($Seconds)
    while ($M.Events.Count) {
        $next = $null
        foreach ($one in $M.Events) {
            if ($one.At -le $end -and (-not $next -or $one.At -lt $next.At)) { $next = $one }
        }
        if (-not $next) { break }
        if ($next.At -gt $M.Now) { $M.Now = $next.At }
        $M.Events.Remove($next)
        & $next.Do $M $next.With
    }
    $M.Now = $end
}

function Add-Event([double] $Seconds, [scriptblock] $Do, $With) {
    # No closure: its block would not see the functions of this module.
    if ([double]::IsInfinity($Seconds)) { return }
    [void] $M.Events.Add(@{ At = $M.Now.AddSeconds($Seconds); Do = $Do; With = $With })
}

function Set-Behaviour([string] $Name, [scriptblock] $Do) { $M.Behaviours[$Name] = $Do }
