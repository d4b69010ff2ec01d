
# expiry.sh - ends the machine when its stack's time is over. Stands between common.sh and the role, in stacks that end.
readonly EXPIRY=${STATE}/expiry

# The last end that was read counts while metadata or Systems Manager are silent. AWS terminates what powers itself off.
end_when_expired() {
  local end
  if end=$(get_parameter expiry | python3 -c '
import datetime, json, sys
expiry = json.load(sys.stdin)
print(int(datetime.datetime.fromisoformat(expiry["expiresAt"]).timestamp()) + 60 * expiry["graceMinutes"])'); then
    printf '%s' "${end}" >"${EXPIRY}"
  fi
  [ "$(date +%s)" -lt "$(<"${EXPIRY}")" ] || systemctl poweroff
}

case ${1:-boot} in
expiry)
  end_when_expired
  exit
  ;;
boot)
  mkdir --parents "${STATE}"
  # Until it could be read for the first time: no preview may live longer.
  [ -s "${EXPIRY}" ] || date --date='+73 hours' +%s >"${EXPIRY}"
  repeat expiry $'OnCalendar=*:0/5\nPersistent=true'
  ;;
esac
