#!/usr/bin/env bash
# Puts everything that the lab and the tests need onto a fresh Debian 12 or Ubuntu 24.04 machine: packages and .venv.
# A second run takes a second: packages that are there are not asked for, and .venv is kept while the requirements are the same.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(ca-certificates conmon cryptsetup-bin curl dosfstools e2fsprogs fonts-dejavu-core gdisk git iproute2 iptables jq kmod
  krb5-admin-server krb5-kdc krb5-user lvm2 make maven mdadm mmdebstrap nftables openssh-client podman procps python3 python3-gssapi
  python3-venv qemu-system-x86 qemu-utils rsync runc default-jre-headless util-linux xfsprogs xz-utils zstd)

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ "${#missing[@]}" -gt 0 ]; then
  echo "Installing ${#missing[@]} packages: ${missing[*]}"
  log=$(mktemp)
  as_root apt-get update -q >"$log" 2>&1 || { cat "$log"; exit 1; }
  # DEBIAN_FRONTEND through env, because sudo drops the environment.
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" >"$log" 2>&1 || { cat "$log"; exit 1; }
  rm -f "$log"
fi

# A shim of a version manager may be first on the path and broken: take the first interpreter that really can make environments.
python=
for candidate in /usr/bin/python3 python3.12 python3.11 python3; do
  if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2])' 2>/dev/null; then python=$candidate; break; fi
done
[ -n "$python" ] || { echo "No Python 3.11 or newer with the venv module was found; install python3-venv and run this again." >&2; exit 1; }

wanted=$(cat requirements.txt requirements-dev.txt | sha256sum | cut -d' ' -f1)
if [ "$(cat .venv/.requirements 2>/dev/null || true)" != "$wanted" ] || ! .venv/bin/python -c '' 2>/dev/null; then
  echo "Making .venv (a minute or two, once) …"
  rm -rf .venv
  "$python" -m venv .venv
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
  echo "$wanted" > .venv/.requirements
fi
