#!/usr/bin/env bash
# Prepares a Debian 12 for `make test` and `make rehearse`: what they do not install themselves. Needs root,
# and Go on PATH.
set -o errexit -o nounset -o pipefail
cd "$(dirname "$0")/.."

# The rehearsal installs its own packages when it needs them (rehearsal/build/debian.py).
readonly PACKAGES=(ca-certificates git make python3 python3-venv)

require_root() {
  if [ "$(id --user)" != 0 ]; then
    echo "error: ${0} installs packages, so it must run as root" >&2
    exit 1
  fi
}

require_go() {
  if ! command -v go >/dev/null; then
    echo "error: go is not on PATH; the container's image has it, elsewhere it is at https://go.dev/dl/" >&2
    exit 1
  fi
}

install_packages() {
  apt-get update --quiet
  DEBIAN_FRONTEND=noninteractive apt-get install --quiet --yes --no-install-recommends "${PACKAGES[@]}"
}

# Git refuses a checkout that belongs to another user, as a mounted folder does; Go asks Git for its version.
trust_checkout() {
  git config --global --add safe.directory "${PWD}"
}

require_root
require_go
install_packages
trust_checkout
make setup
echo "ready: make test, make rehearse"
