#!/usr/bin/env bash
# Installs what building, testing and running need: Debian packages and the ONNX Runtime library.
# Does nothing, quickly, when all of it is there.
set -euo pipefail
cd "$(dirname "$0")/.."

ort_version=1.32.0
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

# Debian packages. Each is looked for by something that it brings, which also finds what was installed in another way.
has_header() { [ -e "/usr/include/$1" ] || [ -n "$(compgen -G "/usr/include/*/$1")" ] || [ -e "/usr/local/include/$1" ]; }
missing=""
need() { missing="${missing:+$missing }$1"; }
has_header turbojpeg.h || need libturbojpeg0-dev
has_header png.h || need libpng-dev
has_header webp/decode.h || need libwebp-dev
has_header libheif/heif.h || need libheif-dev
has_header gif_lib.h || need libgif-dev
has_header tiffio.h || need libtiff-dev
has_header sqlite3.h || need libsqlite3-dev
command -v curl >/dev/null 2>&1 || need curl
command -v python3 >/dev/null 2>&1 || need python3
if [ ! -s "$library" ]; then
    python3 -m pip --version >/dev/null 2>&1 || need python3-pip
    [ -e /etc/ssl/certs/ca-certificates.crt ] || need ca-certificates
fi
if [ -n "$missing" ]; then
    command -v apt-get >/dev/null 2>&1 || fail "this is not a Debian or Ubuntu machine; install by hand what these packages hold: $missing"
    say "installing $missing"
    as_root apt-get update -qq
    # Ubuntu calls the turbojpeg package otherwise.
    if [[ $missing == *libturbojpeg0-dev* ]] && ! apt-cache show libturbojpeg0-dev >/dev/null 2>&1; then
        missing=${missing/libturbojpeg0-dev/libturbojpeg-dev}
    fi
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null \
        || fail "apt-get could not install $missing"
fi

command -v swift >/dev/null 2>&1 || fail "there is no Swift toolchain; install Swift 6.2 or newer from https://www.swift.org/install"

# ONNX Runtime: the wheel of PyPI holds the library; nothing of Python's is needed to run it.
if [ ! -s "$library" ]; then
    case "$(uname -m)" in
        x86_64) platform=manylinux_2_28_x86_64 sha256=5a34fc4dfeb5a7b4a74c95dcba1e773d722abda720b474edf1b0c419dc6d163d ;;
        aarch64) platform=manylinux_2_28_aarch64 sha256=2303372a85299b6757b0e11e1cbf13e410ddf7e10c37f4b37e99d1c90e7daf7c ;;
        *) fail "PyPI has no ONNX Runtime for $(uname -m); put libonnxruntime.so into lib/ or set SILHOUETTE_ORT_LIBRARY" ;;
    esac
    say "fetching ONNX Runtime $ort_version"
    wheels=$(mktemp -d)
    trap 'rm -rf "$wheels"' EXIT
    printf 'onnxruntime==%s --hash=sha256:%s\n' "$ort_version" "$sha256" >"$wheels/requirements.txt"
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes \
        --python-version 3.11 --implementation cp --platform "$platform" -d "$wheels" -r "$wheels/requirements.txt" \
        || fail "ONNX Runtime $ort_version could not be fetched from PyPI"
    mkdir -p lib
    python3 - "$wheels" "$ort_version" <<'PYTHON'
import glob, os, sys, zipfile
wheels, version = sys.argv[1:]
with zipfile.ZipFile(glob.glob(wheels + "/*.whl")[0]) as wheel:
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
say "ready (ONNX Runtime $ort_version in lib/)"
