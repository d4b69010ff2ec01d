#!/usr/bin/env bash
# common.sh - the API, the phases and the report of every Linux machine. machine.sh and the role follow.
#
# The renderer adds quoted assignments of the inputs after the first line, and drops the comments.
# Inputs: STACK REGION NODE_NAME KUBERNETES_VERSION
#         ARTIFACTS        lines of "name url sha256"
#         PAUSE_IMAGE PREPULL_IMAGES (separated by blanks) REGISTRY_MIRROR (may be empty)
#         KUBEADM_CONFIG   a kubeadm document with @TOKENS@ that only the machine knows
# Exit codes: 10 prepare, 11 download, 12 containerd, 13 init or join, 14 publish, 15 ready.
set -o errexit -o nounset -o pipefail -o errtrace

readonly STATE=/var/lib/microcosm
readonly DOWNLOADS=${STATE}/downloads
readonly METADATA=http://169.254.169.254/latest
readonly CURL=(curl --fail --silent --show-error --max-time 5)
readonly SELF=/usr/local/sbin/microcosm-node

# Seconds for which the metadata service and the API may be silent, or refuse, before a phase fails for it.
PATIENCE=120
PHASE=prepare
PHASE_EXIT=10
DETAIL=
REPORTER=
PHASES=
INSTANCE_ID=

# keep FILE [MODE] < content: FILE has all of it or what it had, also after a power cut or on a full disk.
keep() { cat >"$1.new" && chmod "${2:-0644}" "$1.new" && sync "$1.new" && mv "$1.new" "$1"; }

log() { printf '%s microcosm: %s\n' "$(date --utc +%FT%TZ)" "$*"; }

die() {
  DETAIL=$*
  exit "${PHASE_EXIT}"
}

# --- instance metadata and the AWS API ---

metadata() {
  local token name=X-aws-ec2-metadata-token
  local ask=("${CURL[@]}" --retry 50 --retry-all-errors --retry-delay 1 --retry-max-time "${PATIENCE}")
  token=$("${ask[@]}" --request PUT --header "${name}-ttl-seconds: 300" "${METADATA}/api/token")
  "${ask[@]}" --header "${name}: ${token}" "${METADATA}/meta-data/$1"
}

# The role's credentials as curl options, for --config: they never stand on a command line.
aws_signature() {
  local role
  role=$(metadata iam/security-credentials/)
  metadata "iam/security-credentials/${role}" | python3 -c '
import json, sys
print("""aws-sigv4 = "aws:amz:%s:ssm"
user = "%%(AccessKeyId)s:%%(SecretAccessKey)s"
header = "X-Amz-Security-Token: %%(Token)s"
""" % sys.argv[1] % json.load(sys.stdin))' "${REGION}"
}

# ssm ACTION < request: one call of the Systems Manager API, the answer on stdout; a refusal goes to the log.
ssm() {
  local request answer end=$((SECONDS + PATIENCE))
  request=$(cat)
  # Not curl's --retry: it would put a refusal before the answer, and sign with expired credentials.
  until answer=$(curl --config <(aws_signature) --fail-with-body --silent --show-error --max-time 10 \
    --header 'Content-Type: application/x-amz-json-1.1' --header "X-Amz-Target: AmazonSSM.$1" \
    --data-binary @- "https://ssm.${REGION}.amazonaws.com/" <<<"${request}"); do
    log "$1 was refused: ${answer}" >&2
    [ "${SECONDS}" -lt "${end}" ] || return 1
    # Machines that were refused together, for being too many, must not come back together.
    sleep "$((1 + RANDOM % 4))"
  done
  printf '%s' "${answer}"
}

# put_parameter NAME TYPE [KEY] < value. Without its key a value would be encrypted with AWS's own again.
put_parameter() {
  python3 -c 'import json, sys
request = {"Name": sys.argv[1], "Type": sys.argv[2], "Value": sys.stdin.read(), "Overwrite": True}
json.dump(request | dict(zip(["KeyId"], sys.argv[3:])), sys.stdout)' "/microcosm/${STACK}/$1" "${@:2}" |
    ssm PutParameter >/dev/null
}

get_parameter() {
  printf '{"Name": "/microcosm/%s/%s", "WithDecryption": true}' "${STACK}" "$1" | ssm GetParameter |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["Parameter"]["Value"])'
}

# --- phases and their report ---

# Best effort, beside the work: a cluster must not fail, nor wait, because its progress could not be told.
report() {
  wait "${REPORTER}" 2>/dev/null || true
  {
    PATIENCE=5
    send_report running || log "phase ${PHASE} not reported"
  } &
  REPORTER=$!
}

# The phases come out of memory: a disk that is full or read-only must not take the report with it. Systems
# Manager refuses a value with two braces in a row (PutParameter, Value), which a quoted Go template has,
# bytes that are no text, and more than 4,096 of them. UTF-8 takes fewer than JSON's escapes.
send_report() {
  python3 - "${INSTANCE_ID}" "${NODE_NAME}" "${PHASE}" "$1" "${DETAIL}" "${PHASES}" <<'PYTHON' |
import json, sys
*head, detail, lines = sys.argv[1:]
detail = " ".join(detail.encode(errors="replace").decode().replace("{", "{ ").split())[:850]
times = map(str.split, lines.splitlines())
phases = {name: {"start": int(start), "end": int(end[0]) if end else None} for name, start, *end in times}
names = "instance", "node", "phase", "result", "detail", "phases"
json.dump(dict(zip(names, [*head, detail, phases])), sys.stdout, ensure_ascii=False)
PYTHON
    put_parameter "status/${NODE_NAME}" String
}

# phase NAME EXIT_CODE COMMAND: runs one step of the boot and says so.
phase() {
  PHASE=$1 PHASE_EXIT=$2 DETAIL=
  log "phase ${PHASE}"
  PHASES+="${PHASE} $(date +%s)"
  # For those who look at the machine itself.
  echo "${PHASES}" >"${STATE}/phases" || true
  report
  "$3"
  PHASES+=" $(date +%s)"$'\n'
}

on_error() { DETAIL=${DETAIL:-"command failed with $1: $2"}; }

on_exit() {
  local code=$?
  [ "${code}" -eq 0 ] && return
  trap - ERR
  DETAIL=${DETAIL:-"ended with ${code}"}
  [ "$(df --output=avail / | tail --lines=1)" -gt 1024 ] || DETAIL+="; the disk is full"
  log "FAILED in phase ${PHASE}: ${DETAIL}"
  wait "${REPORTER}" 2>/dev/null || true
  send_report failed || log 'failure not reported'
  exit "${PHASE_EXIT}"
}

# All that kubeadm's checks found, or else the last errors, or else the last lines.
reason() {
  local output
  output=$(grep --invert-match 'stack trace' | uniq)
  { grep '\[ERROR' <<<"${output}" ||
    { grep --ignore-case '^curl:\|error' <<<"${output}" || echo "${output}"; } | tail --lines=3; } |
    tr '\n' ' '
}

# attempt TIMES COMMAND...: its output goes to the log; when it fails, its errors become the report's detail.
attempt() {
  local left=$1 output
  shift
  until output=$("$@" 2>&1 | tee >(cat >&2)); do
    DETAIL="$1 failed: $(reason <<<"${output}")"
    [ $((left -= 1)) -gt 0 ] || die "${DETAIL}"
    report
    sleep 20
  done
}

# once NAME COMMAND...: kubeadm's work is done whole or not at all. What a power cut left of it is removed.
once() {
  if [ -f "${STATE}/$1" ]; then return; fi
  "${@:2}"
  sync --file-system "${STATE}"
  touch "${STATE}/$1"
  sync --file-system "${STATE}"
}

# Any file: a join leaves bootstrap-kubelet.conf, with its token in it, before there is a pki.
clear_kubeadm() {
  [ -z "$(find /etc/kubernetes -type f 2>/dev/null)" ] || kubeadm reset --force
}

# Cloud-init runs user-data once in the life of a machine: after a failure or a power cut this timer takes it
# up again. Without Persistent=true: systemd would take the stamp of the last life for this one's OnBootSec
# (src/core/timer.c, timer_enter_waiting).
begin() {
  trap 'on_error $? "${BASH_COMMAND}"' ERR
  trap on_exit EXIT
  install --directory --mode=0700 "${STATE}"
  exec 9>"${STATE}/lock"
  flock --nonblock 9 || exit 0
  repeat boot $'OnBootSec=1\nOnUnitInactiveSec=20\nAccuracySec=1' 14400
  sync --file-system "${STATE}"
  identify
  forget_another_machine
  [ -z "${EXPIRY:-}" ] || repeat expiry $'OnCalendar=*:0/5\nPersistent=true'
}

# An image of a node brings the node's state with it: its cluster, its marks, its end. Downloads are checked
# by their sums.
forget_another_machine() {
  is_own_state && return
  find "${STATE}" -mindepth 1 ! -path "${DOWNLOADS}*" ! -path "${STATE}/lock" -delete
  keep "${STATE}/instance" <<<"${INSTANCE_ID}"
}

is_own_state() { [ "$(cat "${STATE}/instance" 2>/dev/null)" = "${INSTANCE_ID}" ]; }

finish() {
  wait "${REPORTER}" || true
  send_report ok
  # Flush before the timer is gone: nothing would write lost files again.
  sync --file-system "${STATE}"
  systemctl disable --now microcosm-boot.timer
  log "node ${NODE_NAME} is ready"
}
