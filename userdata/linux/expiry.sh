# expiry.sh - ends the machine when its stack's time is over. Stands between machine.sh and the role, in
# stacks that end. The boot makes its timer (common.sh, begin), where a failure is reported.
readonly EXPIRY=${STATE}/expiry

# The last end that was read counts while metadata or Systems Manager are silent. No preview may live longer
# than 73 hours, which count from here when there is no last end, or none that is a number. AWS terminates
# what powers itself off.
end_when_expired() {
  local end
  end=$(get_parameter expiry | python3 -c '
import datetime, json, sys
expiry = json.load(sys.stdin)
end = datetime.datetime.fromisoformat(expiry["expiresAt"])
print(int(end.timestamp()) + 60 * expiry["graceMinutes"])') ||
    end=$(grep --text --max-count=1 --line-regexp '[0-9]\{10\}' "${EXPIRY}" 2>/dev/null) ||
    end=$(date --date='+73 hours' +%s)
  keep "${EXPIRY}" <<<"${end}" || log 'the end was not kept'
  [ "$(date +%s)" -lt "${end}" ] || systemctl poweroff
}

case ${1:-boot} in
expiry)
  # Within the limit of its service, which would end it before the machine.
  PATIENCE=60
  end_when_expired
  exit
  ;;
esac
