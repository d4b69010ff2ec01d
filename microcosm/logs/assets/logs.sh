#!/bin/sh
# logs.sh - runs one command of a failure bundle on a Linux machine and prints what it said, without secrets
# and packed.
#
# The renderer puts quoted assignments of the inputs after the first line and leaves the rest as it stands
# here. Run Command keeps what is printed, so secrets are cut out here already; and it returns only so many
# characters.
# Inputs: COMMAND         what to run, as text for sh
#         REDACT          JSON: pairs of a regular expression of Python and what stands for it afterwards
#         PACKED_LIMIT    how many characters may be printed
# Prints the size of the whole output in bytes, then its end, compressed, in base64.
set -o nounset

: "${COMMAND:?}" "${REDACT:?}" "${PACKED_LIMIT:?}"
readonly COMMAND_SECONDS=60

whole=$(mktemp)
trap 'rm -f "${whole}"' EXIT
# Without Python there is no output, rather than one with secrets. Bytes that are no UTF-8 come out as they
# went in.
redact() {
  REDACT=${REDACT} python3 -c '
import json, os, re, sys
text = sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
for pattern, instead in json.loads(os.environ["REDACT"]):
    text = re.sub(pattern, instead, text, flags=re.IGNORECASE | re.MULTILINE)
sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))'
}
timeout "${COMMAND_SECONDS}" sh -c "${COMMAND}" 2>&1 | redact >"${whole}"
stat --format=%s "${whole}"
# The last limit fits even where nothing can be compressed.
for limit in 400000 200000 100000 50000 17000; do
  packed=$(tail --bytes="${limit}" "${whole}" | gzip --best | base64 --wrap=0)
  [ "${#packed}" -le "${PACKED_LIMIT}" ] && break
done
printf '%s\n' "${packed}"
