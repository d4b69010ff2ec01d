
# control-plane.sh - makes the cluster with kubeadm and publishes how to reach and join it. Follows machine.sh
# in the same script.
#
# Inputs besides common.sh's: PUBLIC_IP (the Elastic IP, in the API server's certificate)
#                             KMS_KEY   (the user's key for the documents; absent for AWS's own)
# Called with `publish` by its own timer it only renews the join document, so that a worker made next week
# still joins; with `forget` by another it takes Nodes away whose machines Pulumi has taken out of the stack.

readonly INIT_CONFIG=${STATE}/init.yaml
export KUBECONFIG=/etc/kubernetes/admin.conf

# EC2 gives the machine a public address at launch and takes it back when the Elastic IP comes, some seconds
# later: each open connection goes silent. So downloads wait for the Elastic IP.
settle() {
  prepare
  for _ in {1..60}; do
    [ "$(PATIENCE=1 metadata public-ipv4)" != "${PUBLIC_IP}" ] || break
    sleep 1
  done
}

# seal NAME < document: write a document of the stack.
seal() { put_parameter "$1" SecureString ${KMS_KEY:+"${KMS_KEY}"}; }

init() { once initialized make_cluster; }

make_cluster() {
  local ip
  clear_kubeadm
  # Not inside of printf: there a failure would be passed over, and the cluster made without an address.
  ip=$(metadata local-ipv4)
  keep "${INIT_CONFIG}" <<<"${KUBEADM_CONFIG//@PRIVATE_IP@/${ip}}"
  # Tokens and keys are secrets: what kubeadm prints ends up in the console output.
  attempt 1 kubeadm init --config "${INIT_CONFIG}" --skip-token-print --skip-certificate-key-print
}

ca_certificate_hash() {
  openssl x509 -pubkey -noout -in /etc/kubernetes/pki/ca.crt | openssl pkey -pubin -outform der |
    sha256sum | awk '{print "sha256:" $1}'
}

# document KEY=VALUE...: a rendezvous document. It names the instance that wrote it, so that readers can tell
# a stale one. The pairs go through a pipe: a command line can be read by everybody on the machine.
document() {
  printf '%s\0' "instance=${INSTANCE_ID}" "$@" |
    python3 -c 'import json, sys
json.dump(dict(pair.split("=", 1) for pair in sys.stdin.read().split("\0")[:-1]), sys.stdout)'
}

# A worker that came before its token is in the signed cluster-info would look again after five seconds
# (kubeadm's DiscoveryRetryInterval).
wait_until_signed() {
  local end=$((SECONDS + 20))
  while [ "${SECONDS}" -lt "${end}" ]; do
    ! kubectl --request-timeout=5s get configmap cluster-info --namespace kube-public \
      --output "jsonpath={.data.jws-kubeconfig-$1}" | grep . >/dev/null || return 0
    sleep 0.2
  done
}

publish_join() {
  local token expires endpoint hash
  hash=$(ca_certificate_hash)
  token=$(kubeadm token create --ttl 24h --description microcosm)
  expires=$(date --utc --date='+24 hours' +%FT%TZ)
  endpoint=$(metadata local-ipv4):6443
  wait_until_signed "${token%%.*}"
  document "endpoint=${endpoint}" "token=${token}" "caCertHash=${hash}" \
    "kubernetesVersion=${KUBERNETES_VERSION}" "expires=${expires}" | seal join
}

publish_kubeconfig() {
  local kubeconfig
  kubeconfig=$(sed "s#server: .*#server: https://${PUBLIC_IP}:6443#" /etc/kubernetes/admin.conf)
  document "kubeconfig=${kubeconfig}" | seal kubeconfig
}

# A client certificate for flanneld.exe and kube-proxy.exe. The stack binds its group to just their two roles.
publish_windows_network() {
  local kubeconfig
  kubeconfig=$(kubeadm kubeconfig user --config "${INIT_CONFIG}" --client-name microcosm-windows-network \
    --org microcosm:windows-network 2>/dev/null)
  document "kubeconfig=${kubeconfig}" | seal windows-network
}

publish() {
  # First what Pulumi waits for: the join document has to wait itself.
  publish_kubeconfig
  publish_join
  publish_windows_network
  # Well before the token expires.
  repeat publish $'OnCalendar=0/8:00\nPersistent=true'
  repeat forget $'OnCalendar=*:*:0/30\nAccuracySec=1'
}

# There is no cloud controller that would. A machine's status parameter goes with it, which tells one that is
# gone from one that is down; a node that somebody has joined by hand never had one.
forget() {
  local nodes node status gone mark
  nodes=$(kubectl --request-timeout=20s get nodes --no-headers)
  mkdir --parents "${STATE}/known"
  while read -r node status _; do
    [ -n "${node}" ] || continue
    mark=${STATE}/known/${node}
    [ "${status%%,*}" != NotReady ] && [ -f "${mark}" ] && continue
    gone=$(printf '{"Names": ["/microcosm/%s/status/%s"]}' "${STACK}" "${node}" | ssm GetParameters |
      python3 -c 'import json, sys; print(*json.load(sys.stdin)["InvalidParameters"])')
    if [ -z "${gone}" ]; then
      touch "${mark}"
    elif [ -f "${mark}" ]; then
      kubectl --request-timeout=20s delete node "${node}"
      rm "${mark}"
    fi
  done <<<"${nodes}"
}

main() {
  begin
  phase prepare 10 settle
  phase download 11 download
  phase containerd 12 containerd_service
  phase init 13 init
  phase publish 14 publish
  phase ready 15 node_ready
  finish
}

case ${1:-boot} in
publish) identify && publish_join ;;
forget) forget ;;
*) main ;;
esac
