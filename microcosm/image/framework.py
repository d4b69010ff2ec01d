"""Names of assemblies and native libraries that the base images have. Anything else must be in the service's
own folder.

Assemblies: the GAC of .NET Framework 4.8 (RedistList/FrameworkList.xml of v4.8 and its facades). Libraries:
System32 of Server Core.
"""

_PLAIN = """
accessibility custommarshalers iehost iiehost ieexecremote isymwrapper microsoft.activities.build
microsoft.build microsoft.build.conversion.v4.0 microsoft.build.engine microsoft.build.framework
microsoft.build.tasks.v4.0 microsoft.build.utilities.v4.0 microsoft.csharp microsoft.jscript
microsoft.visualbasic microsoft.visualbasic.compatibility microsoft.visualbasic.compatibility.data
microsoft.visualc microsoft.visualc.stlclr microsoft.web.administration microsoft.web.management
microsoft.win32.primitives mscorlib mscorcfg netstandard presentationbuildtasks presentationcore
presentationframework presentationui reachframework smdiagnostics sysglobl system uiautomationclient
uiautomationclientsideproviders uiautomationprovider uiautomationtypes windowsbase windowsformsintegration
xamlbuildtask presentationframework.aero presentationframework.classic presentationframework.luna
presentationframework.royale microsoft.transactions.bridge microsoft.transactions.bridge.dtc
microsoft.windows.applicationserver.applications microsoft.internal.tasks.dataflow
"""
_SYSTEM = """
activities activities.core.presentation activities.durableinstancing activities.presentation addin
addin.contract appcontext collections collections.concurrent collections.nongeneric collections.specialized
componentmodel componentmodel.annotations componentmodel.composition componentmodel.composition.registration
componentmodel.dataannotations componentmodel.eventbasedasync componentmodel.primitives
componentmodel.typeconverter configuration configuration.install console core data data.common
data.datasetextensions data.entity data.entity.design data.linq data.oracleclient data.services
data.services.client data.services.design data.sqlxml deployment design device diagnostics.contracts
diagnostics.debug diagnostics.fileversioninfo diagnostics.process diagnostics.stacktrace
diagnostics.textwritertracelistener diagnostics.tools diagnostics.tracesource diagnostics.tracing
directoryservices directoryservices.accountmanagement directoryservices.protocols drawing drawing.design
drawing.primitives dynamic dynamic.runtime enterpriseservices enterpriseservices.wrapper
enterpriseservices.thunk globalization globalization.calendars globalization.extensions identitymodel
identitymodel.selectors identitymodel.services io io.compression io.compression.filesystem
io.compression.zipfile io.filesystem io.filesystem.driveinfo io.filesystem.primitives io.filesystem.watcher
io.isolatedstorage io.log io.memorymappedfiles io.pipes io.unmanagedmemorystream linq linq.expressions
linq.parallel linq.queryable management management.instrumentation messaging net net.http net.http.rtc
net.http.webrequest net.nameresolution net.networkinformation net.ping net.primitives net.requests
net.security net.sockets net.webheadercollection net.websockets net.websockets.client numerics
numerics.vectors objectmodel printing reflection reflection.context reflection.emit
reflection.emit.ilgeneration reflection.emit.lightweight reflection.extensions reflection.primitives
resources.reader resources.resourcemanager resources.writer runtime runtime.caching
runtime.compilerservices.visualc runtime.durableinstancing runtime.extensions runtime.handles
runtime.interopservices runtime.interopservices.runtimeinformation runtime.interopservices.windowsruntime
runtime.numerics runtime.remoting runtime.serialization runtime.serialization.formatters
runtime.serialization.formatters.soap runtime.serialization.json runtime.serialization.primitives
runtime.serialization.xml runtime.windowsruntime runtime.windowsruntime.ui.xaml security security.claims
security.cryptography.algorithms security.cryptography.csp security.cryptography.encoding
security.cryptography.primitives security.cryptography.x509certificates security.principal
security.securestring servicemodel servicemodel.activation servicemodel.activities servicemodel.channels
servicemodel.discovery servicemodel.duplex servicemodel.http servicemodel.internals servicemodel.nettcp
servicemodel.primitives servicemodel.routing servicemodel.security servicemodel.servicemonikersupport
servicemodel.washosting servicemodel.web serviceprocess speech text.encoding text.encoding.extensions
text.regularexpressions threading threading.overlapped threading.tasks threading.tasks.parallel
threading.thread threading.threadpool threading.timer transactions valuetuple web web.abstractions
web.applicationservices web.datavisualization web.datavisualization.design web.dynamicdata
web.dynamicdata.design web.entity web.entity.design web.extensions web.extensions.design web.mobile
web.regularexpressions web.routing web.services windows windows.controls.ribbon windows.forms
windows.forms.datavisualization windows.forms.datavisualization.design windows.input.manipulations
windows.presentation workflow.activities workflow.componentmodel workflow.runtime workflowservices xaml
xaml.hosting xml xml.linq xml.readerwriter xml.serialization xml.xdocument xml.xmldocument xml.xmlserializer
xml.xpath xml.xpath.xdocument
"""
ASSEMBLIES = frozenset({*_PLAIN.split(), *(f"system.{name}" for name in _SYSTEM.split())})

# Libraries of Windows that programs name; a name that begins with one of the prefixes is one as well.
_LIBRARIES = """
advapi32 authz bcrypt bcryptprimitives cabinet cfgmgr32 clusapi combase comctl32 comdlg32 comsvcs credui
crypt32 cryptbase cryptui dbghelp dhcpcsapi dnsapi dwmapi esent fltlib fusion gdi32 gdi32full gdiplus httpapi
imagehlp imm32 iphlpapi kernel32 kernelbase ktmw32 logoncli mpr mscoree mscorwks mscorsvr clr clrjit msi
mstask msvcrt mswsock msacm32 msimg32 ncrypt netapi32 netutils normaliz ntdll ntdsapi odbc32 ole32 oleacc
oleaut32 olepro32 pdh powrprof propsys psapi rpcrt4 samcli schannel secur32 security setupapi sfc shell32
shlwapi srvcli sspicli tapi32 tdh traffic urlmon user32 userenv usp10 uxtheme version virtdisk wer wevtapi
win32u windowscodecs wininet winhttp winmm winspool winspool.drv winscard wintrust wldap32 wkscli ws2_32
wsock32 wtsapi32 xmllite xolehlp msvcp_win ucrtbase d2d1 dwrite dxgi mscms mspatcha rasapi32 resutils samlib
slc wbemcli webservices webengine webengine4 aspnet_state hostablewebcore activeds adsiid msvcr120_clr0400
vcruntime140_clr0400 ucrtbase_clr0400 msvcp120_clr0400
"""
_PREFIXES = ("api-ms-", "ext-ms-")
LIBRARIES = frozenset(_LIBRARIES.split())
_ENDINGS = (".dll", ".exe", ".drv")


def has_library(name: str) -> bool:
    """Whether Server Core has the library; names without an ending mean a .dll."""
    plain = name.lower().replace("\\", "/").rpartition("/")[2]
    for ending in _ENDINGS:
        if plain.endswith(ending) and plain not in LIBRARIES:
            plain = plain.removesuffix(ending)
            break
    return plain in LIBRARIES or plain.startswith(_PREFIXES)
