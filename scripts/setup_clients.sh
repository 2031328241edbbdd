#!/usr/bin/env bash
# Installs the runtimes and packages of the clients that Tests/Clients tries: from Debian (as root or with sudo) and from PyPI
# (into .clients, which git ignores). What is there already is left as it is. What cannot be had is skipped by the tests.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'clients: %s\n' "$*"; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null 2>&1; then sudo "$@"; else return 1; fi; }

missing=""
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing ${*:2}"; }
need curl curl
need jq jq
need node nodejs
need ruby ruby
need httparty ruby-httparty
need php php-cli
need go golang-go
need java default-jdk-headless
need kotlinc kotlin
need mcs mono-mcs mono-runtime libmono-system-web-extensions4.0-cil
need mono mono-runtime
need elixir elixir
need gnustep-config gnustep-make gobjc libgnustep-base-dev
need chromium chromium
[ -d /usr/share/nodejs/axios ] || missing="$missing node-axios"
if [ -n "$missing" ]; then
    say "installing$missing"
    as_root apt-get update -qq || say "apt-get update failed; what is missing is skipped"
    for package in $missing; do
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >/dev/null 2>&1 \
            || say "$package could not be installed"
    done
fi

package() { # name version [what it needs beside it …]
    [ ! -d ".clients/$1-$2" ] || return 0
    say "fetching $1 $2 from PyPI"
    rm -rf .clients/part
    if python3 -m pip install --quiet --disable-pip-version-check --no-warn-conflicts --target .clients/part "$1==$2" "${@:3}" 2>.clients/log; then
        mv .clients/part ".clients/$1-$2"
    else
        tail -n 3 .clients/log
        say "$1 $2 could not be fetched"
    fi
}
mkdir -p .clients
# The oldest that programs still use, and the newest when this was written; Tests/Clients/test_clients.py names them too.
package roboflow 1.1.30 "numpy<2"
package roboflow 1.2.9
package roboflow 1.7.3
package inference-sdk 1.8.3
package schemathesis 4.32.5
package pycocotools 2.0.11 shapely pillow opencv-python-headless
say "ready"
