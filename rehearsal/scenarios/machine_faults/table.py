"""The faults of machines, in the order in which one cluster goes through them.

Each worker fault hits a worker that `up` is creating, so the next fault also shows that a later worker still
joins.
"""

from .ends import (
    api_gone_in_destroy,
    api_gone_in_up,
    control_plane_terminated,
    pool_shrunk,
    worker_stopped,
    worker_terminated,
)
from .fault import HEALS, Fault
from .power import control_plane_in_init, reboot, worker_after_join, worker_before_join, worker_in_join
from .services import (
    aws_api_silent,
    clock_late,
    disk_full,
    metadata_silent,
    mirror_slow_and_cut,
    mirror_wrong_file,
    token_expired,
)

FIRST = Fault(
    name="control-plane-in-init",
    done="the control plane loses its power in `kubeadm init`: at certificates, kubeconfig, etcd and API",
    repair=HEALS,
    act=control_plane_in_init,
)
MACHINE_FAULTS = (
    Fault(
        name="worker-before-join",
        done="a worker loses its power while it downloads",
        repair=HEALS,
        act=worker_before_join,
    ),
    Fault(
        name="worker-in-join",
        done="a worker loses its power during `kubeadm join`",
        repair=HEALS,
        act=worker_in_join,
    ),
    Fault(
        name="worker-after-join",
        done="a worker of the running cluster loses its power",
        repair=HEALS,
        act=worker_after_join,
    ),
    reboot("linux-0"),
    reboot("windows-0"),
    reboot("control-plane"),
    Fault(
        name="metadata-silent",
        done="the metadata service is silent for a minute for a booting worker",
        repair=HEALS,
        act=metadata_silent,
    ),
    Fault(
        name="aws-api-silent",
        done="Systems Manager is silent for a minute for a booting worker",
        repair=HEALS,
        act=aws_api_silent,
    ),
    Fault(
        name="mirror-slow-and-cut",
        done="the mirror sends kubelet at 8 MB/s and breaks kubeadm off twice",
        repair=HEALS,
        act=mirror_slow_and_cut,
    ),
    Fault(
        name="mirror-wrong-file",
        done="the mirror serves other bytes as kubeadm, then the right ones",
        repair="`pulumi up`",
        act=mirror_wrong_file,
    ),
    Fault(
        name="token-expired",
        done="the join token has expired, its timer was off; then the timer runs",
        repair=HEALS,
        act=token_expired,
    ),
    Fault(
        name="disk-full", done="the disk of a worker is full; then it is grown", repair=HEALS, act=disk_full
    ),
    Fault(
        name="clock-late",
        done="a worker's clock is ten minutes late by AWS's; then it is right",
        repair=HEALS,
        act=clock_late,
    ),
    Fault(
        name="pool-shrunk",
        done="all workers of a pool but one are taken out of the configuration, then `up`",
        repair=HEALS,
        act=pool_shrunk,
    ),
    Fault(
        name="worker-stopped",
        done="a worker is stopped by hand, then `up`",
        repair="`aws ec2 start-instances`",
        act=worker_stopped,
    ),
    Fault(
        name="worker-terminated",
        done="a worker is terminated by hand, then `up`",
        repair="`pulumi up --refresh`",
        act=worker_terminated,
    ),
    Fault(
        name="control-plane-terminated",
        done="the control plane is terminated by hand, then `up`",
        repair="`PULUMI_K8S_DELETE_UNREACHABLE=true pulumi up --refresh`",
        act=control_plane_terminated,
    ),
    Fault(
        name="api-gone-in-up",
        done="the API server is gone while `up` makes a worker; then it is back",
        repair=HEALS,
        act=api_gone_in_up,
    ),
)
LAST = Fault(
    name="api-gone-in-destroy",
    done="the API server is gone for good, then `pulumi destroy`",
    repair="nothing to repair",
    act=api_gone_in_destroy,
)
FAULTS = (FIRST, *MACHINE_FAULTS, LAST)
