# Runs CCAuth from its source, without an image of its own: copies C:\src (a ConfigMap) into the web root,
# then runs IIS. Never mount the ConfigMap on the web root itself: it is a folder of links that the kubelet
# swaps, and ASP.NET stops with "Failed to start monitoring changes" on such a folder
# (github.com/microsoft/aspnet-docker/issues/87). IIS needs ContainerAdministrator here: ServiceMonitor writes
# applicationHost.config and controls the w3svc service. Requests are served by w3wp.exe under the
# unprivileged account "IIS AppPool\DefaultAppPool".
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version Latest

$Source = 'C:\src'
$WebRoot = 'C:\inetpub\wwwroot'
$AppCmd = Join-Path $env:windir 'System32\inetsrv\appcmd.exe'

# ConfigMap key -> place under the web root. ASP.NET compiles App_Code at the first request, and IIS never
# serves it.
$Layout = [ordered]@{
    'CCAuth.cs'  = 'App_Code\CCAuth.cs'
    'ccauth.svc' = 'ccauth.svc'
    'web.config' = 'web.config'
}

# Everything but the query string: it carries the card number.
$LogFields = 'Date,Time,ClientIP,Method,UriStem,HttpStatus,HttpSubStatus,Win32Status,TimeTaken'

function Copy-Source {
    foreach ($file in $Layout.GetEnumerator()) {
        $target = Join-Path $WebRoot $file.Value
        # The text, not Copy-Item: it is read through the ConfigMap's links, and the new file gets the web
        # root's access list.
        $text = Get-Content -Raw -Encoding UTF8 -Path (Join-Path $Source $file.Key)
        New-Item -ItemType File -Force -Path $target -Value $text | Out-Null
    }
}

function Set-LogField {
    $fields = "/siteDefaults.logFile.logExtFileFlags:$LogFields"
    & $AppCmd set config '/section:system.applicationHost/sites' $fields '/commit:apphost'
    if ($LASTEXITCODE -ne 0) {
        throw "appcmd could not set the fields of the IIS log: exit code $LASTEXITCODE."
    }
}

Copy-Source
Set-LogField
& 'C:\ServiceMonitor.exe' w3svc
exit $LASTEXITCODE
