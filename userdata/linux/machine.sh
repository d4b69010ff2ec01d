# machine.sh - the steps of every Linux machine: downloads, containerd, the kubelet, its own Ready. Follows
# common.sh in the same script.

prepare() {
  swapoff --all
  sed --in-place '/\sswap\s/d' /etc/fstab
  printf 'overlay\nbr_netfilter\n' >/etc/modules-load.d/kubernetes.conf
  systemctl restart systemd-modules-load.service || log 'systemd-modules-load failed'
  [ -d /proc/sys/net/bridge ] || die 'br_netfilter is not loaded: flanneld and kube-proxy need it'
  printf 'net.ipv4.ip_forward = 1\nnet.bridge.bridge-nf-call-iptables = 1\n' >/etc/sysctl.d/90-kubernetes.conf
  sysctl --load=/etc/sysctl.d/90-kubernetes.conf >/dev/null
}

# All files at once: the link is the limit, not the number of connections. No globbing: an address may
# hold [].
download() {
  local name url sum requests=()
  mkdir --parents "${DOWNLOADS}"
  while read -r name url sum; do
    is_intact "${name}" "${sum}" || requests+=(--output "${DOWNLOADS}/${name}" "${url}")
  done <<<"${ARTIFACTS}"
  if [ "${#requests[@]}" -gt 0 ]; then
    attempt 1 curl --globoff --fail --fail-early --location --silent --show-error \
      --connect-timeout 10 --speed-limit 10000 --speed-time 20 \
      --retry 5 --retry-all-errors --retry-max-time 300 --parallel "${requests[@]}"
  fi
  while read -r name url sum; do
    is_intact "${name}" "${sum}" ||
      die "${name}: sha256 is $(sha256sum <"${DOWNLOADS}/${name}" | head --bytes=64)," \
        "the bill of materials says ${sum} (${url})"
  done <<<"${ARTIFACTS}"
  install_downloads
}

is_intact() { sha256sum --check --status <<<"$2  ${DOWNLOADS}/$1" 2>/dev/null; }

install_downloads() {
  local name folder
  mkdir --parents /opt/cni/bin
  while read -r name _; do
    case ${name} in
    containerd) folder=/usr/local ;;
    cni-plugins) folder=/opt/cni/bin ;;
    *)
      install --mode=0755 --target-directory=/usr/local/bin "${DOWNLOADS}/${name}"
      continue
      ;;
    esac
    tar --extract --gzip --file "${DOWNLOADS}/${name}" --directory "${folder}"
  done <<<"${ARTIFACTS}"
}

containerd_service() {
  mkdir --parents /etc/containerd/certs.d/_default /etc/containerd/conf.d
  cat >/etc/containerd/config.toml <<TOML
version = 3
imports = ["/etc/containerd/conf.d/*.toml"]
[plugins.'io.containerd.cri.v1.images']
pinned_images.sandbox = '${PAUSE_IMAGE}'
registry.config_path = '/etc/containerd/certs.d'
[plugins.'io.containerd.cri.v1.runtime']
# Flannel's DaemonSet writes there once flanneld has its lease (infra/flannel.py). A reboot empties it.
cni.conf_dir = '/run/cni/net.d'
containerd.runtimes.runc.runtime_type = 'io.containerd.runc.v2'
containerd.runtimes.runc.options.SystemdCgroup = true
TOML
  rm --force /etc/containerd/certs.d/_default/hosts.toml
  if [ -n "${REGISTRY_MIRROR}" ]; then
    printf '[host."%s"]\ncapabilities = ["pull", "resolve"]\n' "${REGISTRY_MIRROR}" \
      >/etc/containerd/certs.d/_default/hosts.toml
  fi
  cat >/etc/systemd/system/containerd.service <<'UNIT'
[Unit]
After=network.target
[Service]
Type=notify
ExecStart=/usr/local/bin/containerd
Delegate=yes
KillMode=process
Restart=always
RestartSec=5
LimitNOFILE=1048576
TasksMax=infinity
OOMScoreAdjust=-999
[Install]
WantedBy=multi-user.target
UNIT
  cat >/etc/systemd/system/kubelet.service <<'UNIT'
[Unit]
After=containerd.service network-online.target
Wants=network-online.target
[Service]
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/default/kubelet
ExecStart=/usr/local/bin/kubelet --config=/var/lib/kubelet/config.yaml \
  --kubeconfig=/etc/kubernetes/kubelet.conf \
  --bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
Restart=always
RestartSec=2
StartLimitInterval=0
[Install]
WantedBy=multi-user.target
UNIT
  systemctl daemon-reload
  systemctl enable containerd.service kubelet.service
  # Not `enable --now`: a kubelet that runs already must read the new files.
  attempt 1 systemctl restart containerd.service
  prepull_images 9>&- &
}

# Runs beside the next phases; an image that fails here is pulled again by kubelet, which then says why.
prepull_images() {
  local image
  for image in ${PREPULL_IMAGES}; do
    timeout 1800 ctr --namespace k8s.io images pull --local --hosts-dir /etc/containerd/certs.d "${image}" \
      &>/dev/null || log "${image} not pulled ahead"
  done
}

# Ready needs the pod network, which comes through the API from outside: this is the machine's own view of it.
node_ready() {
  local server answer condition end=$((SECONDS + 900))
  server=$(awk '/server:/ {print $2}' /etc/kubernetes/kubelet.conf)
  while [ "${SECONDS}" -lt "${end}" ]; do
    answer=$("${CURL[@]}" --cacert /etc/kubernetes/pki/ca.crt \
      --cert /var/lib/kubelet/pki/kubelet-client-current.pem "${server}/api/v1/nodes/${NODE_NAME}" 2>&1) &&
      condition=$(python3 -c '
import json, sys
conditions = json.load(sys.stdin)["status"].get("conditions", [])
print(next((c["status"] + " " + c.get("message", "") for c in conditions
    if c["type"] == "Ready"), "no Ready yet"))' <<<"${answer}") ||
      condition="the API says: ${answer}"
    [ "${condition%% *}" = True ] && return
    # The kubelet makes its Node at its own start alone (kubernetes v1.35.8, kubelet_node_status.go): one that
    # was deleted stays away.
    [[ ${condition} != *'error: 404' ]] || { systemctl restart kubelet.service && sleep 20; }
    sleep 1
  done
  die "not Ready within 15 minutes: ${condition}"
}

# --- for the roles ---

# repeat NAME TIMES [SECONDS]: this very script is run again and again, with NAME as its argument, by a timer
# of systemd. One run takes at most SECONDS: a oneshot service has no limit of its own (systemd.service), and
# one that hangs is not run again.
repeat() {
  cmp --quiet "$0" "${SELF}" || keep "${SELF}" 0700 <"$0"
  printf '[Service]\nType=oneshot\nTimeoutStartSec=%s\nStandardOutput=journal+console\nExecStart=%s %s\n' \
    "${3:-600}" "${SELF}" "$1" |
    keep "/etc/systemd/system/microcosm-$1.service"
  printf '[Timer]\n%s\n[Install]\nWantedBy=timers.target\n' "$2" |
    keep "/etc/systemd/system/microcosm-$1.timer"
  systemctl daemon-reload
  systemctl enable --now "microcosm-$1.timer"
}

identify() { INSTANCE_ID=$(metadata instance-id); }

# A timer that came with the image of another machine has nothing to do here. While metadata is silent, the
# timer is ours.
[ "${1:-boot}" = boot ] || ! PATIENCE=5 identify || is_own_state || exit 0
