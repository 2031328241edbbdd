#!/usr/bin/env bash
# Builds the DocC documentation of the libraries into docs/api.
set -euo pipefail
cd "$(dirname "$0")/.."

for target in Imaging ImageCodecs InstanceSegmentation ONNXRuntimeBackend OpenVINOBackend; do
    symbols=.build/symbols/$target
    mkdir -p "$symbols" "docs/api/$target"
    swift build --target "$target" -Xswiftc -emit-symbol-graph -Xswiftc -emit-symbol-graph-dir -Xswiftc "$PWD/$symbols" \
        --scratch-path .build/docs
    find "$symbols" -name '*.symbols.json' ! -name "$target.symbols.json" ! -name "$target@*" -delete
    catalog=$(find "Sources/$target" -name '*.docc' | head -n 1)
    docc convert ${catalog:+"$catalog"} --additional-symbol-graph-dir "$symbols" --fallback-display-name "$target" \
        --fallback-bundle-identifier "silhouette.$target" --output-path "docs/api/$target"
done
echo "docs: docs/api"
