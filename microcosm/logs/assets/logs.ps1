# logs.ps1: runs one command of a failure bundle on a Windows machine and prints what it said, without secrets
# and packed. Run Command keeps what is printed, so secrets are cut out here already; and it returns only so
# many characters. Written for Windows PowerShell 5.1, in ASCII.
#
# Inputs, which the renderer puts in front of this file:
#   $Command        a script block
#   $Redactions     pairs of a regular expression and what stands for it afterwards
#   $PackedLimit    how many characters may be printed
# Prints the size of the whole output in bytes, then its end, compressed, in base64.
# what one part of a command cannot find is told in the output, and the rest goes on
$ErrorActionPreference = 'Continue'
$ProgressPreference = 'SilentlyContinue'

function Show-File([string[]] $Paths, [int] $Lines = 2000) {
    foreach ($path in $Paths) {
        $files = @(Get-Item -Path $path -ErrorAction SilentlyContinue | Where-Object {
            -not $_.PSIsContainer
        })
        if (-not $files) { "== $path is not there" }
        foreach ($file in $files) {
            "== $($file.FullName), $($file.Length) bytes, written $($file.LastWriteTimeUtc.ToString('u'))"
            Get-Content -Path $file.FullName -Tail $Lines
        }
    }
}

function Compress-Text([byte[]] $Bytes) {
    # The last limit fits even where nothing can be compressed.
    foreach ($limit in 400000, 200000, 100000, 50000, 17000) {
        $start = [Math]::Max(0, $Bytes.Length - $limit)
        $buffer = New-Object -TypeName IO.MemoryStream
        $gzip = New-Object -TypeName IO.Compression.GZipStream -ArgumentList $buffer,
            ([IO.Compression.CompressionMode]::Compress)
        $gzip.Write($Bytes, $start, $Bytes.Length - $start)
        $gzip.Dispose()
        $packed = [Convert]::ToBase64String($buffer.ToArray())
        if ($packed.Length -le $PackedLimit) { return $packed }
    }
}

$text = & $Command 2>&1 | Out-String -Width 4096
# In a Turkish culture I is not the upper case of i.
$options = [Text.RegularExpressions.RegexOptions] 'IgnoreCase, Multiline, CultureInvariant'
foreach ($pair in $Redactions) { $text = [regex]::Replace($text, $pair[0], $pair[1], $options) }
$bytes = [Text.Encoding]::UTF8.GetBytes($text)
# Not through the pipeline, which may break long lines at the width of a console.
[Console]::Out.WriteLine($bytes.Length)
[Console]::Out.WriteLine((Compress-Text $bytes))
