#!/usr/bin/env bash
# Clones the checkout into an empty folder, runs `make run` there, pastes the line that it prints, looks at the answer, and attacks the
# server that was built (scripts/stress.py).
set -euo pipefail
cd "$(dirname "$0")/.."

folder=$(mktemp -d)
server=""
finish() {
    [ -z "$server" ] || kill -- "-$server" 2>/dev/null || true
    rm -rf "$folder"
}
trap finish EXIT
git clone --quiet . "$folder/silhouette"
cd "$folder/silhouette"

started=$SECONDS
set -m # a process group of its own, so that the server can be ended with make
make run PORT="${PORT:-9017}" >../run.log 2>../run.err </dev/null &
server=$!
set +m
echo "clean clone: make run in $PWD"
until grep -q '^base64 ' ../run.log 2>/dev/null; do
    kill -0 "$server" 2>/dev/null || { tail -n 40 ../run.log ../run.err; echo "clean clone: make run ended early"; exit 1; }
    [ $((SECONDS - started)) -lt 2400 ] || { tail -n 40 ../run.log ../run.err; echo "clean clone: make run took too long"; exit 1; }
    sleep 1
done
line=$(grep '^base64 ' ../run.log | tail -n 1)
echo "clean clone: ready after $((SECONDS - started)) s; pasting: ${line//api_key=*/api_key=…\"}"
answer=$(bash -c "$line")
echo "clean clone: ${answer:0:240}…"
python3 - "$answer" <<'PYTHON' || { echo "clean clone: the answer is not as promised"; exit 1; }
import json, sys
answer = json.loads(sys.argv[1])
assert answer["predictions"], "no predictions"
assert all(len(p["points"]) >= 3 and p["class"] for p in answer["predictions"]), "a prediction without outline"
print(f"clean clone: {len(answer['predictions'])} objects with outlines: {sorted({p['class'] for p in answer['predictions']})}")
PYTHON
# A second start keeps the key.
key=$(cat .silhouette/key)
[ "$(stat -c %a .silhouette/key)" = 600 ] || { echo "clean clone: the key file is readable by others"; exit 1; }
case "$line" in *"$key"*) ;; *) echo "clean clone: the line has another key than the file"; exit 1 ;; esac
if [ -n "$(git status --porcelain)" ]; then
    git status --porcelain
    echo "clean clone: make run left files that git sees"
    exit 1
fi
kill -- "-$server"
wait "$server" 2>/dev/null || true
server=""
echo "clean clone: attacking the server for a minute"
# Others may use the machine, so that promises about times are shown and not judged.
python3 scripts/stress.py --server .build/release/silhouette --seconds 60 --report-times
echo "clean clone: passed"
