#!/bin/sh
# step-into-groups.sh COMMAND... - run COMMAND in a machine's control groups.
#
# Inputs: CONTROL_GROUPS  their folders, one per hierarchy, separated by blanks
set -o errexit
set -o nounset

for group in ${CONTROL_GROUPS:?}; do
  echo $$ >"${group}/cgroup.procs"
done
exec "$@"
