#!/bin/sh
# step-into-groups.sh COMMAND... - becomes COMMAND inside a machine's control groups.
#
# Inputs: CONTROL_GROUPS  their folders, one a hierarchy, separated by blanks
set -o errexit
set -o nounset

for group in ${CONTROL_GROUPS:?}; do
  echo $$ >"${group}/cgroup.procs"
done
exec "$@"
