#!/usr/bin/env bash
# Posts a file to an address in the way of examples/curl.
set -euo pipefail

answer=$(base64 "$0" | curl -sS -d @- "$1?a=b")
answer=$(curl -sS -X POST -G "$1" --data-urlencode "a=$answer")
if command -v jq >/dev/null; then
    jq -r '"\(.state) \(.share * 100 | round)%"' <<<"$answer"
else
    echo "$answer"
fi
