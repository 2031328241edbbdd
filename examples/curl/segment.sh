#!/usr/bin/env bash
# Usage: segment.sh PICTURE|ADDRESS
set -euo pipefail

server=${SILHOUETTE_URL:-http://127.0.0.1:9001}
model=${SILHOUETTE_MODEL:-tabletop/1}
key=${SILHOUETTE_API_KEY:-}

case "$1" in
    http://* | https://*)
        answer=$(curl -sS -X POST -G "$server/$model" --data-urlencode "api_key=$key" --data-urlencode "image=$1") ;;
    *)
        answer=$(base64 "$1" | curl -sS -d @- "$server/$model?api_key=$key") ;;
esac

# jq reads the answer where it is installed; without it the JSON is printed as it is.
if command -v jq >/dev/null; then
    jq -r '.predictions[] | "\(.class)  \(.confidence * 100 | round)%  at \(.x),\(.y)  \(.width)x\(.height)  \(.points | length) points"' <<<"$answer"
else
    echo "$answer"
fi
