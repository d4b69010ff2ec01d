# join.ps1: the way into the cluster, and what the node is in it.

$JoinWaitSeconds = 2400
$BootstrapKubeconfig = 'C:\etc\kubernetes\bootstrap-kubelet.conf'

function Wait-Rendezvous([string] $Document, [string[]] $Names) {
    # What an earlier control plane wrote is not believed, and a token that has expired is about to be
    # replaced. The text itself is in no message: it holds secrets.
    Wait-Until "/microcosm/$StackName/$Document of $ControlPlaneInstanceId" $JoinWaitSeconds {
        $name = "/microcosm/$StackName/$Document"
        $text = (Get-SSMParameter -Name $name -WithDecryption $true -Region $Region).Value
        $value = try { $text | ConvertFrom-Json } catch { throw 'the control plane has not written it yet' }
        foreach ($name in @('instance') + $Names) {
            Assert-That ([bool] (Get-Field $value $name)) "it has no $name"
        }
        Assert-That ($value.instance -eq $ControlPlaneInstanceId) "it is of $($value.instance)"
        $expires = Get-Field $value 'expires'
        if ($expires -and [DateTimeOffset]::Parse($expires) -le (Get-Date)) {
            throw "its token has expired, at $expires"
        }
        $value
    }
}

function Reset-Join {
    # kubeadm refuses to join over the files of an attempt that did not end; one of them holds the token.
    Stop-OneService 'kubelet'
    Remove-File $JoinLeftovers
}

function Confirm-Pem([string] $Path, [string] $Text, [string] $Label) {
    # The bytes of the first part with this label.
    $found = $Text -match "-----BEGIN [A-Z ]*$Label-----\s+([A-Za-z0-9+/=\s]+)-----END [A-Z ]*$Label-----"
    Assert-That $found "$Path holds no whole $($Label.ToLower())"
    , [Convert]::FromBase64String(($Matches[1] -replace '\s'))
}

function Confirm-Certificate([string] $Kubeconfig) {
    # It holds a certificate and its key, or names the file of both, which the kubelet renews. Expired while
    # the machine was off, or torn, they cannot be renewed.
    $text = Read-TextFile $Kubeconfig
    $path = $Kubeconfig
    if ($text -match 'client-certificate:\s*"?([^"\r\n]+)"?') {
        $path = $Matches[1].Trim()
        $text = Read-TextFile $path
        $null = Confirm-Pem $path $text 'PRIVATE KEY'
    }
    elseif ($text -match 'client-certificate-data:\s*"?([A-Za-z0-9+/=]+)') {
        $text = [Text.Encoding]::ASCII.GetString([Convert]::FromBase64String($Matches[1]))
    }
    else { return }
    $certificate = Confirm-Pem $path $text 'CERTIFICATE'
    $end = [Security.Cryptography.X509Certificates.X509Certificate2]::new([byte[]] $certificate).NotAfter
    Assert-That ($end -gt (Get-Date)) "the certificate in $path has expired, at $('{0:u}' -f $end)"
}

function Confirm-Joined {
    Confirm-Manifest 'join'
    Confirm-Certificate $KubeletKubeconfig
}

function Confirm-NetworkKubeconfig {
    Confirm-Manifest 'network'
    Confirm-Certificate $NetworkKubeconfig
}

function Invoke-Join {
    $join = Wait-Rendezvous 'join' 'endpoint', 'token', 'caCertHash'
    Reset-Join
    try {
        $values = @{ API_ENDPOINT = $join.endpoint; TOKEN = $join.token; CA_HASH = $join.caCertHash }
        Write-TextFile $JoinFile (Expand-Token $JoinConfiguration $values)
        Write-Log (Invoke-Native 'C:\k\kubeadm.exe' $KubeadmArguments)
        Wait-Until $KubeletKubeconfig 120 { Test-Path $KubeletKubeconfig } | Out-Null
    }
    catch {
        $problem = "$_"
        try { Reset-Join } catch { Write-Log "$_" }
        throw $problem
    }
    finally { Remove-File $JoinFile }
    Save-Manifest 'join' @($JoinedFiles | Where-Object { Test-Path $_ })
}

function Join-Cluster {
    try { Confirm-NetworkKubeconfig }
    catch {
        # Now, while the machine can still reach its role's credentials: the container network breaks the way
        # there.
        Write-TextFile $NetworkKubeconfig (Wait-Rendezvous 'windows-network' 'kubeconfig').kubeconfig
        Save-Manifest 'network' $NetworkKubeconfig
        # Those that run already have read the old one, and kube-proxy would go on with it.
        foreach ($name in @('flanneld', 'kube-proxy') | Where-Object {
            (Get-ServiceStatus $_) -eq 'Running'
        }) {
            Stop-OneService $name
            Start-OneService $name
        }
    }
    $lack = try { Confirm-Joined } catch { "$_" }
    if ($lack) { Write-Log "it joins: $lack"; Invoke-Join }
    Remove-File $BootstrapKubeconfig   # of a join that was cut off; it holds the token
    Set-Service -Name kubelet -StartupType Automatic
    Start-OneService 'kubelet'
}

function Confirm-Join {
    Confirm-NetworkKubeconfig
    Confirm-Joined
    Assert-That (-not (Test-Path $BootstrapKubeconfig)) "$BootstrapKubeconfig is left, with a token"
    Confirm-Service 'kubelet'
}

function Get-Node {
    $arguments = @("--kubeconfig=$KubeletKubeconfig", '--request-timeout=30s', 'get', 'node', $NodeName,
    '--output=json')
    try { Invoke-Native 'C:\k\kubectl.exe' $arguments | ConvertFrom-Json }
    catch {
        $problem = "$_"
        if ($problem -match '\(NotFound\)') { Register-Node }
        throw $problem
    }
}

function Register-Node {
    # Of a Node that was deleted: the kubelet makes it at its own start alone (kubernetes v1.35.8,
    # pkg/kubelet/kubelet_node_status.go, registerWithAPIServer), and flanneld writes its lease there at its
    # start (flannel v0.28.9, pkg/subnet/kube/kube.go, AcquireLease). Once a run: both take some seconds.
    if ($Run.registered) { return }
    $Run.registered = $true
    Write-Log "the API has no Node ${NodeName}: kubelet and flanneld are started again"
    foreach ($name in 'flanneld', 'kubelet') { Stop-OneService $name }
    foreach ($name in 'kubelet', 'flanneld') { Start-OneService $name }
}

function Get-PodSubnet {
    $subnet = Get-Field (Get-Node) 'spec', 'podCIDR'
    Assert-That ([bool] $subnet) "the control plane has given the node $NodeName no podCIDR yet"
    $subnet
}

function Confirm-Ready {
    foreach ($name in $Services) { Confirm-Service $name }
    $ready = Get-Field (Get-Node) 'status', 'conditions' | Where-Object { (Get-Field $_ 'type') -eq 'Ready' }
    Assert-That ([bool] $ready) "the node $NodeName has no condition Ready yet"
    $status = Get-Field $ready 'status'
    Assert-That ($status -eq 'True') "its condition Ready is ${status}: $(Get-Field $ready 'message')"
}

function Wait-Ready {
    Wait-Until "node $NodeName that is Ready" 600 { Confirm-Ready; $true } | Out-Null
}
