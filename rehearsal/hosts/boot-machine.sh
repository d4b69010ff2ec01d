#!/bin/sh
# boot-machine.sh - mount a machine's disk and boot it with systemd as PID 1.
#
# It runs in its own mount namespace, so the mounts end with the machine.
# Inputs: INSTANCE   instance id, unique on this host
#         NAME       host name, as EC2 gives it
#         NAMESPACE  network namespace, as `ip netns` names it
#         FOLDER     the machine's folder: upper work root data/
#         BASE       the read-only root file system
#         UNIFIED    1 on a host with cgroup v2, else 0
set -o errexit
set -o nounset

: "${INSTANCE:?}" "${NAME:?}" "${NAMESPACE:?}" "${FOLDER:?}" "${BASE:?}" "${UNIFIED:?}"

# `volatile` skips every fsync. Its mark forbids a second mount, in case the host crashed in between. A
# machine that starts again had no crash.
rm -rf "${FOLDER}/work/work/incompat"
mount -t overlay overlay "${FOLDER}/root" \
  -o "lowerdir=${BASE},upperdir=${FOLDER}/upper,workdir=${FOLDER}/work,volatile"

# Container layers are overlays, which cannot lie on an overlay; etcd's log should not.
set --
for data in "${FOLDER}"/data/*; do
  set -- "$@" "--bind=${data}:/var/lib/${data##*/}"
done

# No system-call filter: runc needs keyrings and bpf. "network" lets a machine set the sysctls of its network.
export SYSTEMD_SECCOMP=0 SYSTEMD_NSPAWN_API_VFS_WRITABLE=network SYSTEMD_NSPAWN_UNIFIED_HIERARCHY="${UNIFIED}"
exec systemd-nspawn --quiet --boot --register=no --keep-unit \
  --machine="${INSTANCE}" --hostname="${NAME}" --directory="${FOLDER}/root" \
  --network-namespace-path="/run/netns/${NAMESPACE}" --capability=all \
  --resolv-conf=off --timezone=off --link-journal=no --console=read-only --setenv=TERM=dumb \
  --bind=/dev/kmsg "$@"
