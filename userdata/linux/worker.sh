
# worker.sh - joins the cluster of one particular control plane. Follows machine.sh in the same script.
#
# Inputs besides common.sh's: CONTROL_PLANE_ID (the instance whose cluster this machine belongs to)
: "${CONTROL_PLANE_ID:?}" "${KUBERNETES_VERSION:?}"

json_field() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }

# A join document of an earlier control plane is never believed: it names another instance.
wait_for_join_document() {
  local document problem end=$((SECONDS + 600))
  while [ "${SECONDS}" -lt "${end}" ]; do
    if ! document=$(get_parameter join 2>/dev/null); then
      problem='Systems Manager does not give it'
    elif [ "$(json_field instance <<<"${document}" 2>/dev/null)" = "${CONTROL_PLANE_ID}" ]; then
      printf '%s' "${document}"
      return
    else
      problem='it is not published yet, or is of another control plane'
    fi
    # Workers start together; the jitter keeps a hundred of them below the API's 40 requests a second.
    sleep "$((1 + RANDOM % 5))"
  done
  echo "error: no join document of ${CONTROL_PLANE_ID} within 10 minutes: ${problem}" >&2
  return 1
}

# A machine of this name that has just gone counts as Ready for most of a minute, in which kubeadm does not
# take its place.
join() { once joined attempt 6 kubeadm_join; }

# Called by `until`, in which bash passes over failures: each step says for itself that the rest is not to be
# done.
kubeadm_join() {
  local document code=0 config=/run/microcosm-join.yaml
  clear_kubeadm || return
  document=$(wait_for_join_document) || return
  (
    umask 077
    DOCUMENT=${document} python3 -c '
import json, os, sys
document, config = json.loads(os.environ["DOCUMENT"]), sys.stdin.read()
for token, field in (("@API_ENDPOINT@", "endpoint"), ("@TOKEN@", "token"), ("@CA_HASH@", "caCertHash")):
    config = config.replace(token, document[field])
print(config)' <<<"${KUBEADM_CONFIG}" >"${config}"
  ) && kubeadm join --config "${config}" || code=$?
  # The token must not stay behind, whatever came of it.
  rm --force "${config}"
  return "${code}"
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
