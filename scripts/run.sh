#!/usr/bin/env bash
# Starts the server with the default model, and prints a request to paste once it is ready.
# The key stays the same from one start to the next; it is kept in .silhouette/key, which is git-ignored.
set -euo pipefail
cd "$(dirname "$0")/.."

host=$1 port=$2
umask 077
mkdir -p .silhouette
if [ ! -s .silhouette/key ]; then
    printf 'rf_%s\n' "$(od -An -N20 -tx1 /dev/urandom | tr -d ' \n')" >.silhouette/key
fi
chmod 600 .silhouette/key
echo "run: starting on http://$host:$port; stop with Ctrl-C"
echo "run: when it is ready, paste the last line into a second shell in this folder"
# SIGHUP reloads, but not before the program has been loaded; until then it is ignored.
trap '' HUP
SILHOUETTE_API_KEY=$(cat .silhouette/key) exec .build/release/silhouette serve \
    --host "$host" --port "$port" --models models --state .silhouette --print-request models/tabletop/1/sample.jpg
