"""Paths of the host that only Linux fills, and those of Windows."""

import re

_DRIVE = re.compile(r"[A-Za-z]:([\\/]|$)|\\\\[.?]\\pipe\\", re.IGNORECASE)
# /var/log, /var/lib/kubelet, /etc/kubernetes, /run/flannel and /etc/cni are C:\var\log … on a Windows node,
# and there.
_LINUX = re.compile(
    r"/(dev|proc|sys|boot|cgroup|lib|lib64|usr|bin|sbin|home|root|media|mnt|nix|snap|srv)(/.*)?"
    r"|/etc/(passwd|group|shadow|localtime|timezone|ssl|pki|ca-certificates|machine-id|os-release|hostname"
    r"|hosts|resolv\.conf|nsswitch\.conf|fstab"
    r"|mtab|docker|containerd|crio|iscsi|multipath|systemd|udev|pam\.d|ld\.so\.(conf|cache|preload)"
    r"|selinux|apparmor(\.d)?|sysconfig|default)(/.*)?"
    r"|(/var)?/run/(docker|containerd|crio|cri-dockerd|k3s|dbus|systemd|udev|utmp|secrets|lock|mount|netns"
    r"|user|xtables)(\.sock|\.lock|/.*)?"
    r"|/var/lib/(docker|containerd|containers|systemd|dbus|etcd|rook|iscsi|apt|dpkg|rpm)(/.*)?"
    r"|/var/log/(journal|audit|syslog|messages|auth\.log|kern\.log)(/.*)?"
)


def is_linux(path: str) -> bool:
    """Whether only Linux fills this path of the host."""
    return bool(_LINUX.fullmatch(re.sub("/+", "/", path).rstrip("/") or "/"))


def is_windows(path: str) -> bool:
    """Whether a path has a drive or is a named pipe."""
    return bool(_DRIVE.match(path))
