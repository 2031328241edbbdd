#!/usr/bin/env bash
# Finds conversions of numbers that end the process where a value does not fit, in the code that reads files, requests and C libraries:
#   UInt8(x), Int32(x), UInt(x) and the like, and Int(x) of a floating-point number, in all of it;
#   products of sizes in the files that read headers, where a size was not compared with a limit yet.
# Int(exactly:), UInt8(clamping:), UInt16(truncatingIfNeeded:), UInt32(bitPattern:), &* and multipliedReportingOverflow never end it.
# A conversion that is known to fit is marked by "// checked: WHY" at the end of its line, or listed in scripts/checked_conversions.txt as
#   PATH: CODE
# where CODE is the line without its indentation. Entries that match no line any more are reported too. After a review of what it prints,
# `scripts/check_conversions.sh --accept` brings the list up to date.
set -euo pipefail
cd "$(dirname "$0")/.."

list=scripts/checked_conversions.txt
folders="Sources/AnnotationFormats Sources/HTTPServer Sources/ImageCodecs Sources/Imaging Sources/InstanceSegmentation
Sources/ONNXRuntimeBackend Sources/OpenVINOBackend Sources/RuntimeSupport Sources/Serving"
headers=$(find Sources/ImageCodecs Sources/RuntimeSupport/ONNXFile -name '*.swift' \
    | grep -E '(Header|Layout|TIFFFile|Chunks|Items|Segments|Directory|Frame|Stream|Text|Limits|ProtobufReader|Graph)\.swift$' | sort)

safe='(?!\s*(exactly|clamping|truncatingIfNeeded|bitPattern|littleEndian|bigEndian|ascii|radix|\d|0x|"))'
narrow="\b(U?Int(8|16|32|64)|UInt)\($safe"'(?!\))'
float='\bInt\((?!exactly|clamping|truncatingIfNeeded|bitPattern)[^)]*(\.rounded|Double|Float|Seconds|seconds|\* *scale|ratio|[Cc]onfidence|percent)'
product='(?<![&*])\b(width|height|area|count|length|size|samples|bits|stride|planes|entryLength|entry)\w*\)? \* |[\w)] \* (\w+\.)*(width|height|area|count|length|size|samples|bits|stride|planes)\b'

found=$( (
    # shellcheck disable=SC2086
    grep -rnP "$narrow" $folders --include='*.swift' || true
    # shellcheck disable=SC2086
    grep -rnP "$float" $folders --include='*.swift' || true
    # shellcheck disable=SC2086
    grep -nP "$product" $headers /dev/null || true
) | sort -u -t: -k1,1 -k2,2n | grep -vP ':\d+:\s*///?' | grep -v '// checked: ' || true)

python3 - "$list" "$found" "${1:-}" <<'PYTHON'
import pathlib, re, sys

listed = pathlib.Path(sys.argv[1])
accepts = sys.argv[3] == "--accept"
entries = [line for line in listed.read_text().splitlines() if line and not line.startswith("#")] if listed.exists() else []
used, status, hits = set(), 0, []
for hit in filter(None, sys.argv[2].splitlines()):
    path, number, code = hit.split(":", 2)
    entry = f"{path}: {code.strip()}"
    hits.append(entry)
    if accepts:
        continue
    if entry in entries:
        used.add(entry)
        continue
    print(f"conversions: {path}:{number}: {code.strip()}")
    status = 1
if accepts:
    head = [line for line in listed.read_text().splitlines() if line.startswith("#")] if listed.exists() else []
    listed.write_text("\n".join(head + sorted(set(hits))) + "\n")
    sys.exit(0)
for entry in entries:
    if entry not in used:
        print(f"conversions: {listed}: no such line any more, or it needs no entry: {entry}")
        status = 1
if status:
    print("conversions: use exactly:, clamping: or truncatingIfNeeded:, or mark the line with // checked: WHY (scripts/check_conversions.sh)")
sys.exit(status)
PYTHON
