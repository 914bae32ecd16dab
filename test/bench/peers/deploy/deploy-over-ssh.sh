#!/bin/bash
# Deploys with bash, ssh and scp and does the gates by hand: one handshake, one copy there, one command, one copy back.
#
#   deploy-over-ssh.sh SSH_CONFIG PARCEL REPORT      settings in the environment, see gates.sh
#
# PARCEL is a folder with release.tar.gz, SHA256SUMS, gates.sh and on-host.sh.
set -euo pipefail
config=$1 parcel=$2 report=$3
control=$(mktemp -u "${TMPDIR:-/tmp}/ssh-XXXXXX")
on_host() { ssh -F "$config" -S "$control" host "$@"; }

ssh -F "$config" -S "$control" -fNM host </dev/null >/dev/null 2>&1
trap 'ssh -F "$config" -S "$control" -O exit host 2>/dev/null' EXIT

# G0 to G2 were proven when the release was built; what is sent is what was built.
echo "$ARCHIVE_SHA256  $parcel/release.tar.gz" | sha256sum --check --quiet
scp -F "$config" -o ControlPath="$control" -q -r "$parcel" "host:$INCOMING"
on_host "ROOT='$ROOT' NAME='$NAME' NEIGHBOUR='$NEIGHBOUR' INCOMING='$INCOMING' WORK='$WORK' SECRET='$SECRET' ARCHIVE_SHA256='$ARCHIVE_SHA256' bash '$INCOMING/on-host.sh'"
scp -F "$config" -o ControlPath="$control" -q "host:$WORK/report.txt" "$report"
grep -qx 'RESULT PASS' "$report"
