# Writes settings from outside into the configuration of the service. start.ps1 reads this file first; $Own
# and $Drive are its own.

function Write-Line([string] $Text) {
    [Console]::Out.WriteLine(('{0:yyyy-MM-ddTHH:mm:ssZ} microcosm: {1}' -f [DateTime]::UtcNow, $Text))
}

# Lists the files of a mounted Secret or ConfigMap. The kubelet's own ..data and its folders are left out.
function Get-MountedFile([string] $Folder) {
    if (-not (Test-Path $Folder)) { return }
    Get-ChildItem $Folder |
        Where-Object { -not $_.PSIsContainer -and -not $_.Name.StartsWith('..') } |
        Sort-Object Name
}

function Get-Override([string] $Prefix, [string] $Section) {
    $found = [ordered]@{}
    foreach ($variable in Get-ChildItem env: | Sort-Object Name) {
        # The skeleton of the Secret has empty values: they leave the setting as it is.
        if ($variable.Value -and $variable.Name.StartsWith($Prefix, [StringComparison]::OrdinalIgnoreCase)) {
            $found[$variable.Name.Substring($Prefix.Length)] = $variable.Value
        }
    }
    foreach ($file in Get-MountedFile (Join-Path $Own "secrets\$Section")) {
        $found[$file.Name] = [IO.File]::ReadAllText($file.FullName) -replace '\r?\n\z', ''
    }
    return $found
}

function Read-Config([string] $Path) {
    $document = New-Object System.Xml.XmlDocument
    $document.PreserveWhitespace = $true
    $document.XmlResolver = $null
    $document.Load($Path)
    return [pscustomobject]@{ Path = $Path; Document = $document; Changed = $false }
}

# Keeps the byte order mark, or its absence, and the encoding that the declaration names.
function Save-Config($Config) {
    if (-not $Config.Changed) { return }
    $start = [IO.File]::ReadAllBytes($Config.Path)
    $mark = $start.Length -gt 2 -and $start[0] -eq 0xEF -and $start[1] -eq 0xBB
    $declaration = $Config.Document.FirstChild
    $encoding = New-Object System.Text.UTF8Encoding $mark
    $named = if ($declaration -is [System.Xml.XmlDeclaration]) { $declaration.Encoding }
    if ($named -and $named -ne 'utf-8') {
        $encoding = [System.Text.Encoding]::GetEncoding($named)
    }
    $writer = New-Object System.IO.StreamWriter $Config.Path, $false, $encoding
    try { $Config.Document.Save($writer) } finally { $writer.Dispose() }
}

function Add-Child($Config, $Parent, [string] $Name) {
    $same = { $_.NodeType -eq 'Element' -and $_.LocalName -eq $Name }
    $child = $Parent.ChildNodes | Where-Object $same | Select-Object -First 1
    if (-not $child) {
        $child = $Parent.AppendChild($Config.Document.CreateElement($Name, $Parent.NamespaceURI))
        $Config.Changed = $true
    }
    return $child
}

# Sets attributes of a section such as system.web/compilation, which is made where it is not there.
function Set-Attribute($Config, [string] $Section, $Values) {
    $element = $Config.Document.DocumentElement
    foreach ($name in $Section -split '/') { $element = Add-Child $Config $element $name }
    foreach ($name in $Values.Keys) { $element.SetAttribute($name, $Values[$name]) }
    $Config.Changed = $true
}

function Find-Entry($Element, [string] $Key, [string] $Name) {
    foreach ($entry in $Element.ChildNodes) {
        if ($entry.NodeType -eq 'Element' -and $entry.LocalName -eq 'add') {
            $written = $entry.GetAttribute($Key)
            if ($written -eq $Name -or ($written -replace '[^A-Za-z0-9._-]', '_') -eq $Name) { return $entry }
        }
    }
}

# Returns the places of a section, the one in force first: the file that file= names, then that of
# configSource=, or the file itself.
function Get-Section($Config, [string] $Section) {
    $folder = Split-Path $Config.Path
    $element = Add-Child $Config $Config.Document.DocumentElement $Section
    $places = @()
    if ($element.GetAttribute('file') -and (Test-Path (Join-Path $folder $element.GetAttribute('file')))) {
        $outer = Read-Config (Join-Path $folder $element.GetAttribute('file'))
        $places += [pscustomobject]@{ Config = $outer; Element = $outer.Document.DocumentElement }
    }
    if ($element.GetAttribute('configSource')) {
        $outer = Read-Config (Join-Path $folder $element.GetAttribute('configSource'))
        $places += [pscustomobject]@{ Config = $outer; Element = $outer.Document.DocumentElement }
    } else {
        $places += [pscustomobject]@{ Config = $Config; Element = $element }
    }
    return , $places
}

function Set-Section($Config, [string] $Section, [string] $Key, [string] $Attribute, $Values) {
    if ($Values.Count -eq 0) { return }
    $places = Get-Section $Config $Section
    foreach ($name in $Values.Keys) {
        $place = $null
        foreach ($candidate in $places) {
            $entry = Find-Entry $candidate.Element $Key $name
            if ($entry) { $place = $candidate; break }
        }
        if (-not $place) {
            $place = $places[-1]
            $entry = $place.Config.Document.CreateElement('add', $place.Element.NamespaceURI)
            $place.Element.AppendChild($entry) | Out-Null
            $entry.SetAttribute($Key, $name)
            Write-Line "warning: $Section had no entry $name; it is added."
        }
        $entry.SetAttribute($Attribute, $Values[$name])
        $place.Config.Changed = $true
        Write-Line "$Section ${name}: set in $(Split-Path -Leaf $place.Config.Path)."
    }
    foreach ($place in $places) { if ($place.Config -ne $Config) { Save-Config $place.Config } }
}

# Replaces files of the service by those of a mounted ConfigMap: for sections that no variable reaches, such
# as endpoint addresses.
function Copy-MountedFile($App) {
    foreach ($file in Get-MountedFile (Join-Path $Own 'files')) {
        Copy-Item -Force $file.FullName (Join-Path (Join-Path $Drive $App.home) $file.Name)
        Write-Line "$($file.Name): replaced by the mounted file."
    }
}

function Set-Configuration($App) {
    Copy-MountedFile $App
    $path = Join-Path $Drive $App.config
    if (-not (Test-Path $path)) {
        [IO.File]::WriteAllText($path, "<?xml version=`"1.0`"?>`n<configuration/>")
    }
    $config = Read-Config $path
    foreach ($change in $App.set) {
        Set-Attribute $config $change.section @{ $change.attribute = $change.value }
    }
    Set-Section $config 'appSettings' 'key' 'value' (Get-Override 'APPSETTING_' 'appSettings')
    $strings = Get-Override 'CONNSTR_' 'connectionStrings'
    Set-Section $config 'connectionStrings' 'name' 'connectionString' $strings
    if ($env:MACHINEKEY_VALIDATION -and $env:MACHINEKEY_DECRYPTION) {
        Set-Attribute $config 'system.web/machineKey' @{
            validationKey = $env:MACHINEKEY_VALIDATION
            decryptionKey = $env:MACHINEKEY_DECRYPTION
            validation = 'HMACSHA256'
            decryption = 'AES'
        }
    }
    if ($env:APP_CULTURE) {
        $culture = @{ culture = $env:APP_CULTURE; uiCulture = $env:APP_CULTURE }
        Set-Attribute $config 'system.web/globalization' $culture
    }
    if ($App.metadataFromHost) {
        $behaviors = "//*[local-name()='serviceBehaviors']/*[local-name()='behavior']"
        foreach ($behavior in $config.Document.SelectNodes($behaviors)) {
            Add-Child $config $behavior 'useRequestHeadersForMetadataAddress' | Out-Null
        }
    }
    Save-Config $config
}
