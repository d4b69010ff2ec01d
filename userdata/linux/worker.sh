
# worker.sh - joins the cluster of one particular control plane. Follows common.sh in the same script.
#
# Inputs besides common.sh's: CONTROL_PLANE_ID (the instance whose cluster this machine belongs to)
: "${CONTROL_PLANE_ID:?}"

# A join document of an earlier control plane is never believed: it names another instance.
wait_for_join_document() {
  local document
  until document=$(get_parameter join 2>/dev/null) && [ "$(json_field instance <<<"${document}" 2>/dev/null)" = "${CONTROL_PLANE_ID}" ]; do
    # Workers start together; the jitter keeps a hundred of them below the API's 40 requests a second.
    sleep "$((1 + RANDOM % 5))"
  done
  printf '%s' "${document}"
}

# A machine of this name that has just gone counts as Ready for most of a minute, in which kubeadm does not take its place.
join() { once joined attempt 6 kubeadm_join; }

kubeadm_join() {
  local document config=/run/microcosm-join.yaml
  clear_kubeadm
  document=$(wait_for_join_document)
  (
    umask 077
    DOCUMENT=${document} python3 -c '
import json, os, sys
document, config = json.loads(os.environ["DOCUMENT"]), sys.stdin.read()
for token, field in (("@API_ENDPOINT@", "endpoint"), ("@TOKEN@", "token"), ("@CA_HASH@", "caCertHash")):
    config = config.replace(token, document[field])
print(config)' <<<"${KUBEADM_CONFIG}" >"${config}"
  )
  kubeadm join --config "${config}" && rm "${config}"
}

main() {
  begin
  phase prepare 10 prepare
  phase download 11 download
  phase containerd 12 containerd_service
  phase join 13 join
  phase ready 15 node_ready
  finish
}

main
