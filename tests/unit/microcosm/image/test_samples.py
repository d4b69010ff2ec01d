"""Known services: they have their true findings and no other."""

from microcosm.image.findings import Level
from tests.support.services import assembly, config, findings, names


def test_the_published_wcf_sample_has_only_its_true_findings():
    """The shape of microsoft/dotnet-framework-docker ebb6885, samples/wcfapp/WcfServiceWebApp: http,
    net.tcp and mex, debug on.
    """
    services = "".join(
        f"<endpoint address='' binding='{name}' contract='IService1'/>"
        for name in ("basicHttpBinding", "netTcpBinding", "mexHttpBinding")
    )
    site = {
        "Service1.svc": '<%@ ServiceHost Service="S" %>',
        "Web.config": config(
            "<system.web><compilation debug='true' targetFramework='4.8'/><httpRuntime "
            "targetFramework='4.8'/></system.web>",
            f"<system.serviceModel><services><service name='S'>{services}</service></services>",
            "<bindings><netTcpBinding><binding><security mode='None'/></binding></netTcpBinding></bindings>",
            "<behaviors><serviceBehaviors><behavior><serviceMetadata "
            "httpGetEnabled='true'/></behavior></serviceBehaviors></behaviors>",
            "<serviceHostingEnvironment multipleSiteBindingsEnabled='true'/></system.serviceModel>",
            "<system.webServer><modules runAllManagedModulesForAllRequests='true'/><directoryBrowse "
            "enabled='true'/></system.webServer>",
        ),
    }
    found = findings(
        site,
        assembly(
            "bin/WcfServiceWebApp.dll",
            references={"mscorlib": "4.0.0.0", "System.ServiceModel": "4.0.0.0"},
            target="4.8",
        ),
    )
    assert sorted(names(found)) == ["debug", "memory-gate", "metadata-address"]
    assert "metadata-exchange" in names(found, Level.TOLD)


def test_ccauth_has_nothing_but_facts():
    from tests.support.engine import PROJECT

    files = {name: (PROJECT / "workloads/ccauth" / name).read_text() for name in ("ccauth.svc", "web.config")}
    files["App_Code/CCAuth.cs"] = (PROJECT / "workloads/ccauth/CCAuth.cs").read_text()
    assert names(findings(files)) == []
