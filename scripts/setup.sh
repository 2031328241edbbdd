#!/usr/bin/env bash
# Installs what building, testing and running need: Debian packages and the ONNX Runtime library; with BACKENDS=openvino OpenVINO too.
# Does nothing, quickly, when all of it is there.
set -euo pipefail
cd "$(dirname "$0")/.."

ort_version=1.32.0
openvino_version=2026.4.1
backends=${BACKENDS:-}
library=lib/libonnxruntime.so.$ort_version

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo "$@"
    else
        fail "these packages are missing and need root to install, which neither this user nor sudo gives: $missing. Ask an administrator to run: apt-get install $missing"
    fi
}

for backend in $backends; do
    case "$backend" in
        onnxruntime | openvino) ;;
        *) fail "BACKENDS names '$backend'; there are onnxruntime, which is always there, and openvino" ;;
    esac
done

# Debian packages. Each is looked for by something that it brings, which also finds what was installed in another way.
has_header() { [ -e "/usr/include/$1" ] || [ -n "$(compgen -G "/usr/include/*/$1")" ] || [ -e "/usr/local/include/$1" ]; }
missing=""
need() { missing="${missing:+$missing }$1"; }
has_header jpeglib.h || need libjpeg-dev
has_header png.h || need libpng-dev
has_header webp/decode.h || need libwebp-dev
has_header avif/avif.h || need libavif-dev
has_header libheif/heif.h || need libheif-dev
has_header libde265/de265.h || need libde265-dev
has_header gif_lib.h || need libgif-dev
has_header tiffio.h || need libtiff-dev
has_header sqlite3.h || need libsqlite3-dev
command -v curl >/dev/null 2>&1 || need curl
# Only fetching takes Python. Without it `make test` says so and skips the clients.
fetching=""
[ -s "$library" ] || fetching=yes
[[ " $backends " != *" openvino "* || -s lib/openvino/complete-$openvino_version ]] || fetching=yes
if [ -n "$fetching" ]; then
    python3 -c 'import zipfile' 2>/dev/null || need python3
    python3 -m pip --version >/dev/null 2>&1 || need python3-pip
    [ -e /etc/ssl/certs/ca-certificates.crt ] || need ca-certificates
fi
if [ -n "$missing" ]; then
    command -v apt-get >/dev/null 2>&1 || fail "this is not a Debian or Ubuntu machine; install by hand what these packages hold: $missing"
    say "installing $missing"
    as_root apt-get update -qq
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null \
        || fail "apt-get could not install $missing"
fi

command -v swift >/dev/null 2>&1 || fail "there is no Swift toolchain; install Swift 6.2 or newer from https://www.swift.org/install"

# Libraries out of wheels of PyPI; nothing of Python's is needed to run them.
# fetch NAME VERSION PLATFORM SHA256: downloads a wheel and prints where it is.
fetch() {
    say "fetching $1 $2" >&2
    printf '%s==%s --hash=sha256:%s\n' "$1" "$2" "$4" >"$wheels/requirements.txt"
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes \
        --python-version 3.11 --implementation cp --platform "$3" -d "$wheels" -r "$wheels/requirements.txt" >&2 \
        || fail "$1 $2 could not be fetched from PyPI"
    compgen -G "$wheels/$1-*.whl"
}
wheels=$(mktemp -d)
trap 'rm -rf "$wheels"' EXIT
machine=$(uname -m)

if [ ! -s "$library" ]; then
    case "$machine" in
        x86_64) platform=manylinux_2_28_x86_64 sha256=5a34fc4dfeb5a7b4a74c95dcba1e773d722abda720b474edf1b0c419dc6d163d ;;
        aarch64) platform=manylinux_2_28_aarch64 sha256=2303372a85299b6757b0e11e1cbf13e410ddf7e10c37f4b37e99d1c90e7daf7c ;;
        *) fail "PyPI has no ONNX Runtime for $machine; put libonnxruntime.so into lib/ or set SILHOUETTE_ORT_LIBRARY" ;;
    esac
    wheel=$(fetch onnxruntime "$ort_version" "$platform" "$sha256")
    mkdir -p lib
    python3 - "$wheel" "$ort_version" <<'PYTHON'
import os, sys, zipfile
wheel, version = sys.argv[1:]
with zipfile.ZipFile(wheel) as wheel:
    for name, target in [
        ("onnxruntime/LICENSE", "lib/onnxruntime.LICENSE"),
        ("onnxruntime/ThirdPartyNotices.txt", "lib/onnxruntime.ThirdPartyNotices.txt"),
        (f"onnxruntime/capi/libonnxruntime.so.{version}", f"lib/libonnxruntime.so.{version}"),
    ]:
        with open(target + ".part", "wb") as file:
            file.write(wheel.read(name))
        os.replace(target + ".part", target)
PYTHON
fi

for backend in $backends; do
    [ "$backend" != onnxruntime ] || continue
    # The C library, the reader of ONNX files and the CPU's plugin with what they need; those of other devices and formats stay out.
    if [ ! -s lib/openvino/complete-$openvino_version ]; then
        case "$machine" in
            x86_64) platform=manylinux_2_28_x86_64 sha256=2d22b1da03f7caf74df30e9f6417d0ab2f637e4a38e08e1dcd294d2c37407aaf ;;
            aarch64) platform=manylinux_2_35_aarch64 sha256=bea1eb3733c34ef331adc945da0ccda5937865031139073663be84c517ffda22 ;;
            *) fail "PyPI has no OpenVINO for $machine; set SILHOUETTE_OPENVINO_LIBRARY to a libopenvino_c.so" ;;
        esac
        wheel=$(fetch openvino "$openvino_version" "$platform" "$sha256")
        rm -rf lib/openvino
        mkdir -p lib/openvino
        python3 - "$wheel" lib/openvino <<'PYTHON'
import os, re, sys, zipfile
wheel, folder = sys.argv[1:]
wanted = re.compile(r"openvino/libs/lib(openvino|openvino_c|openvino_onnx_frontend|openvino_(intel|arm)_cpu_plugin|tbb\w*|hwloc)\.so[.\d]*"
                    r"|[^/]*\.dist-info/licenses/.*")
with zipfile.ZipFile(wheel) as wheel:
    for name in wheel.namelist():
        if wanted.fullmatch(name) and not name.endswith("/"):
            target = os.path.join(folder, os.path.basename(name))
            if "/licenses/" in name:
                target = os.path.join(folder, "licenses", name.split("/licenses/")[1])
                os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "wb") as file:
                file.write(wheel.read(name))
PYTHON
        echo yes >"lib/openvino/complete-$openvino_version"
    fi
done
case " $backends " in
    *" openvino "*) say "ready (ONNX Runtime $ort_version and OpenVINO $openvino_version in lib/)" ;;
    *) say "ready (ONNX Runtime $ort_version in lib/)" ;;
esac
