"""Run the real Windows binaries under Wine in the network of a Windows node's stand-in.

This is Wine, not Windows.

kubeadm.exe, kubelet.exe, kube-proxy.exe and flanneld.exe are the pinned versions, cross-built from the
publishers' sources. They get the inputs of a Windows node: the rendered JoinConfiguration, the control
plane's documents, and the command lines of userdata/windows/worker.ps1 word for word. kubeadm.exe joins and
kubelet.exe registers its node; the others run until they need Windows' host networking. An unknown flag stops
them earlier, which fails the check. docs/adr/0014 lists the differences from a Windows node.

    python -m rehearsal.wine check    checks against the cluster that `make rehearse KEEP=1` left up
    python -m rehearsal.wine help     records --help of the pinned binaries into tests/windows/help
"""
