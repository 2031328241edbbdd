#!/usr/bin/env bash
# Installs the runtimes and packages of the clients that Tests/Clients tries: from Debian (as root or with sudo) and from PyPI
# (into .clients, which git ignores). A runtime whose probe passes is left as it is; one that is missing or incomplete is completed.
# What cannot be installed is named, and the tests skip it; with CLIENTS=all that is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'clients: %s\n' "$*"; }
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo "$@"
    else
        echo "this needs root, which neither this user nor sudo gives" >&2
        return 1
    fi
}
log=$(mktemp)
lacking=$(mktemp)
trap 'rm -f "$log" "$lacking"' EXIT

updated=""
update() {
    as_root apt-get update -qq -o Acquire::Retries=3 >"$log" 2>&1 || say "apt-get update failed: $(reason)"
    updated=yes
}
# A package that is installed although its runtime is incomplete may have lost files.
apt_install() { # package …
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends --reinstall \
        -o Acquire::Retries=3 -o DPkg::Lock::Timeout=120 "$@" >"$log" 2>&1
}
reason() { grep -m 1 -E '^(E|Err|dpkg: error)' "$log" || tail -n 1 "$log"; }

debian() { # package …
    if ! as_root true >"$log" 2>&1; then
        say "cannot install $*: $(tail -n 1 "$log")"
        return
    fi
    say "installing $*"
    [ -n "$updated" ] || update
    apt_install "$@" && return
    # Each for itself, so that one that this release lacks does not keep the others away; a mirror may fail for a minute.
    local package failed pause
    for pause in 0 20 60; do
        say "trying again one by one after $pause s: $(reason)"
        sleep "$pause"
        as_root dpkg --configure -a >"$log" 2>&1 || say "dpkg --configure -a failed: $(reason)"
        update
        failed=()
        for package in "$@"; do
            apt_install "$package" && continue
            say "$package could not be installed: $(reason)"
            grep -q -E 'Unable to locate|no installation candidate' "$log" || failed+=("$package")
        done
        [ ${#failed[@]} -gt 0 ] || return 0
        set -- "${failed[@]}"
    done
}

pypi() { # folder requirement …
    local folder=.clients/$1
    say "fetching ${*:2} from PyPI"
    rm -rf .clients/part
    if python3 -m pip install --quiet --disable-pip-version-check --no-warn-conflicts --target .clients/part "${@:2}" >"$log" 2>&1; then
        rm -rf "$folder"
        mv .clients/part "$folder"
    else
        say "$1 could not be fetched: $(tail -n 1 "$log")"
    fi
}

# Prints what is to be installed, and for which clients; it runs the probe of every runtime that is there.
missing() { python3 Tests/Clients/test_clients.py --missing; }

python3 -c 'import http.server, concurrent.futures' 2>/dev/null || debian python3
command -v jq >/dev/null 2>&1 || debian jq
if ! missing >"$lacking"; then
    say "the tests of the clients cannot run here; see the message above"
    exit 0
fi
if [ -s "$lacking" ]; then
    packages=$(sed -n 's/^debian\t//p' "$lacking")
    if [ -n "$packages" ]; then
        # shellcheck disable=SC2086
        debian $packages
    fi
    if grep -q '^pypi' "$lacking"; then
        mkdir -p .clients
        python3 -m pip --version >/dev/null 2>&1 || debian python3-pip
        while IFS=$'\t' read -r -a fields; do
            pypi "${fields[@]:1}"
        done < <(grep '^pypi' "$lacking")
    fi
    missing >"$lacking" || true
    while IFS=$'\t' read -r _ client reason; do
        say "$client cannot be tried: $reason"
    done < <(grep '^client' "$lacking" || true)
    if [ "${CLIENTS:-available}" = all ] && grep -q '^client' "$lacking"; then
        say "all clients are required here"
        exit 1
    fi
fi
say "ready"
