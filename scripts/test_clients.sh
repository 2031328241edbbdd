#!/usr/bin/env bash
# Tries the clients of Tests/Clients, where there is a Python that can. CLIENTS=all: a client that cannot run here is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."

clients=${CLIENTS:-available}
case "$clients" in
    available | all) ;;
    *) echo "clients: CLIENTS is '$clients'; expected 'available' or 'all'" >&2; exit 1 ;;
esac
skip_all() {
    echo "clients: all are skipped: $1; scripts/setup_clients.sh installs what is missing"
    echo "clients: 0 passed, 0 failed, all skipped"
    [ "$clients" = available ] && exit 0
    echo "clients: all are required here, so that this is a failure"
    exit 1
}
command -v python3 >/dev/null 2>&1 || skip_all "python3 is not installed"
reason=$(python3 - 2>&1 <<'PYTHON'
import sys
if sys.version_info < (3, 8):
    sys.exit("python3 is Python %d.%d; 3.8 or newer is needed" % sys.version_info[:2])
import argparse, base64, concurrent.futures, contextlib, http.server, json, tempfile, urllib.request
PYTHON
) || skip_all "python3 cannot be used: ${reason##*$'\n'}"
# Their own rules of what is skipped and what fails come first.
python3 Tests/Clients/test_runtimes.py --quiet
if [ "$clients" = all ]; then
    exec python3 Tests/Clients/test_clients.py --require-all "$@"
fi
exec python3 Tests/Clients/test_clients.py "$@"
