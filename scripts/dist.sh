#!/usr/bin/env bash
# Packs the release program, ONNX Runtime, the default model and the licenses into .build/dist, with SHA-256 sums, and tries the archive.
# RELEASE=vX.Y.Z: refuses if that is not the program's version or CHANGELOG.md has no section for it, and writes that section to notes.md.
# PROGRAM: the program to pack, by default .build/release/silhouette.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { printf 'dist: %s\n' "$*" >&2; exit 1; }

program=${PROGRAM:-.build/release/silhouette}
release=${RELEASE:-}
[ -x "$program" ] || fail "there is no program at '$program'; run make build"
version=$("$program" --version)
[[ "$version" =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || fail "'$program --version' prints '$version', which is not a version such as 1.2.3"
[ -z "$release" ] || [ "$release" = "v$version" ] || fail "RELEASE is '$release', but the program's version is $version: expected 'v$version'"

# Libraries of the system are linked dynamically, so that the archive fits the distribution that built it.
# shellcheck source=/dev/null
system=$(. /etc/os-release && echo "$ID${VERSION_ID:-}")
name=silhouette-$version-$system-$(uname -m)
folder=.build/dist
rm -rf "$folder"
mkdir -p "$folder"

if [ -n "$release" ]; then
    awk -v version="$version" '
        /^## / { inside = index($0, "[" version "]") == 4 || $2 == version; next }
        inside { print }
    ' CHANGELOG.md | sed -e '/./,$!d' >"$folder/notes.md"
    [ -s "$folder/notes.md" ] || fail "CHANGELOG.md has no section '## [$version] - DATE'"
    printf '\nThe archive is for %s on %s; README.txt in it says what else it needs.\n' "$system" "$(uname -m)" >>"$folder/notes.md"
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
packed=$scratch/$name
mkdir -p "$packed/lib" "$packed/models"
cp "$program" "$packed/silhouette"
cp lib/libonnxruntime.so.* lib/onnxruntime.LICENSE lib/onnxruntime.ThirdPartyNotices.txt "$packed/lib/"
cp LICENSE NOTICE CHANGELOG.md "$packed/"
cp -R models/tabletop "$packed/models/"
# The packages of the libraries that the program itself names; those that they need come with them.
libraries=$(readelf -d "$program" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
packages="what brings $(tr '\n' ' ' <<<"$libraries")"
if command -v dpkg >/dev/null 2>&1; then
    packages=""
    for library in $libraries; do
        case "$library" in ld-linux*) continue ;; esac # the loader comes with libc
        file=$(ldd "$program" | awk -v name="$library" '$1 == name && $3 ~ "^/" { print $3 }')
        package=""
        if [ -n "$file" ]; then
            file=$(readlink -f "$file")
            package=$(dpkg -S "*/${file##*/}" 2>/dev/null | head -n 1 | cut -d: -f1) || package=""
        fi
        [ -n "$package" ] || fail "no package brings $library, which the program needs; make build links Swift's own libraries into it"
        packages="$packages$package"$'\n'
    done
    packages=$(sort -u <<<"$packages" | sed '/^$/d' | tr '\n' ' ')
fi
cat >"$packed/README.txt" <<TEXT
Silhouette $version for $system on $(uname -m).

    ./silhouette predict models/tabletop/1/sample.jpg
    ./silhouette serve --models models

It needs these packages of the system:
    $packages
TEXT

moment=$(git log -1 --format=%ct 2>/dev/null || date +%s)
tar --create --gzip --file "$folder/$name.tar.gz" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$moment" \
    --directory "$scratch" "$name"
(cd "$folder" && sha256sum ./*.tar.gz | sed 's| \./| |' >SHA256SUMS)

# The archive works where it is unpacked, without anything of the checkout.
mkdir "$scratch/try"
tar --extract --file "$folder/$name.tar.gz" --directory "$scratch/try"
(cd "$scratch/try/$name" && env -u SILHOUETTE_ORT_LIBRARY ./silhouette predict models/tabletop/1/sample.jpg >"$scratch/answer") \
    || fail "the program does not run out of its archive"
echo "dist: $(head -n 1 "$scratch/answer")"
echo "dist: $folder/$name.tar.gz ($(du -h "$folder/$name.tar.gz" | cut -f1))"
