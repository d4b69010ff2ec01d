#!/bin/sh
# boot-machine.sh - mounts a machine's disk and boots it with systemd as PID 1.
#
# Started in a mount namespace of its own: the mounts end with the machine.
# Inputs: INSTANCE   instance id, unique on this host
#         NAME       host name, as EC2 gives it
#         NAMESPACE  network namespace, as `ip netns` names it
#         FOLDER     the machine's folder: upper work root data/
#         BASE       the read-only root file system
#         UNIFIED    1 on a host with cgroup v2, else 0
set -o errexit
set -o nounset

: "${INSTANCE:?}" "${NAME:?}" "${NAMESPACE:?}" "${FOLDER:?}" "${BASE:?}" "${UNIFIED:?}"

# `volatile` spares the machine every fsync. Its mark forbids a second mount, against a crash of the host in between; a stopped
# machine that starts again had none.
rm -rf "${FOLDER}/work/work/incompat"
mount -t overlay overlay -o "lowerdir=${BASE},upperdir=${FOLDER}/upper,workdir=${FOLDER}/work,volatile" "${FOLDER}/root"

# What an overlay cannot lie under (container layers are overlays too), or should not (etcd's log).
set --
for data in "${FOLDER}"/data/*; do
  set -- "$@" "--bind=${data}:/var/lib/${data##*/}"
done

# No system-call filter: runc needs keyrings and bpf. "network": a machine sets the sysctls of its own network.
export SYSTEMD_SECCOMP=0 SYSTEMD_NSPAWN_API_VFS_WRITABLE=network SYSTEMD_NSPAWN_UNIFIED_HIERARCHY="${UNIFIED}"
exec systemd-nspawn --quiet --boot --register=no --keep-unit --machine="${INSTANCE}" --hostname="${NAME}" --directory="${FOLDER}/root" \
  --network-namespace-path="/run/netns/${NAMESPACE}" --capability=all \
  --resolv-conf=off --timezone=off --link-journal=no --console=read-only --setenv=TERM=dumb --bind=/dev/kmsg "$@"
