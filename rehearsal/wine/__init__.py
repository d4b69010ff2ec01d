"""The real Windows binaries, under Wine, in the network of a Windows node's stand-in. This is Wine, not Windows.

kubeadm.exe, kubelet.exe, kube-proxy.exe and flanneld.exe are the pinned versions, cross-built from the publishers' sources.
They get what a Windows node gets: the rendered JoinConfiguration, the documents of the rendezvous, and the command lines of
userdata/windows/worker.ps1, word for word. They go as far as Wine goes: kubeadm.exe joins, kubelet.exe registers its node, the
others stop where Windows' host networking begins. An unknown or dead flag stops them long before, which fails the check.
What differs from a Windows node, and why, is in docs/adr/0014.

Modules in the order in which they use each other:
  errors, command_lines, flags   what worker.ps1 says, and what a program's --help says
  computer                       a Wine prefix in a network
  subject                        the stand-in's node, and what the cluster has ready for it
  programs, join                 what is run and how far it must get
  check                          all of it, for a running rehearsal: `check(session)`
  help_texts                     the recorded --help, for machines without Wine

    python -m rehearsal.wine check    against the cluster that `make rehearse KEEP=1` left up
    python -m rehearsal.wine help     records --help of the pinned binaries into tests/windows/help
"""
