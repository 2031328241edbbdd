#!/usr/bin/env bash
# Times the stages of a prediction: the default model on its sample, and real models where they lie beside the checkout.
set -euo pipefail
cd "$(dirname "$0")/.."

program=.build/release/silhouette
grep -m 1 'model name' /proc/cpuinfo || true
"$program" benchmark --models models models/tabletop/1/sample.jpg
if [ -d ../shared/models ]; then
    for model in yolo11n-seg/1 yolo11n-seg/2; do
        "$program" benchmark --models ../shared/models --model "$model" models/tabletop/1/sample.jpg
    done
fi
