#!/usr/bin/env bash
# Measures the default model, and real models where they lie beside the checkout.
set -euo pipefail
cd "$(dirname "$0")/.."

python3 -c 'import PIL' 2>/dev/null || { echo "bench: needs Pillow: apt-get install python3-pil" >&2; exit 1; }
swift build -c release --static-swift-stdlib --product stages | tail -1
python3 scripts/bench.py "$@"
if [ -d ../shared/models ] && [ -d ../shared/data/coco-mini/images ]; then
    picture=../shared/data/coco-mini/images/000000566282.jpg
    python3 scripts/bench.py --models ../shared/models --picture "$picture" "$@"
fi
