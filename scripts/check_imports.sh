#!/usr/bin/env bash
# The house's rules of who may import what. Each line: a module, and the only targets that may import it.
set -euo pipefail
cd "$(dirname "$0")/.."

status=0
only() {
    module=$1
    shift
    for file in $(grep -rlE "^(public |internal |package )?import $module\$" Sources --include='*.swift' || true); do
        target=$(echo "$file" | cut -d/ -f2)
        case " $* " in
            *" $target "*) ;;
            *) echo "imports: $file imports $module, which is for $* only"; status=1 ;;
        esac
    done
}
only CONNXRuntime ONNXRuntimeBackend
only COpenVINO OpenVINOBackend
only CImageCodecs ImageCodecs
only CAllocator silhouette
only Hummingbird HTTPServer
only HummingbirdCore HTTPServer
only NIOCore HTTPServer
only NIOPosix HTTPServer
only HTTPTypes HTTPServer
only AsyncHTTPClient HTTPServer
only GRDB Serving
only ONNXRuntimeBackend silhouette
only OpenVINOBackend silhouette
only RuntimeSupport ONNXRuntimeBackend OpenVINOBackend Serving HTTPServer silhouette
only HTTPServer silhouette
only ImageCodecs AnnotationFormats HTTPServer Serving silhouette
only AnnotationFormats HTTPServer Serving silhouette
only Serving HTTPServer silhouette
only HostedAPI HTTPServer silhouette
only ArgumentParser silhouette

found=$(grep -rnE '@unchecked Sendable' Sources --include='*.swift' | grep -vE '^Sources/(ONNXRuntime|OpenVINO)Backend/' | grep -v '///' || true)
[ -z "$found" ] || { echo "imports: @unchecked Sendable outside the backends:"; echo "$found"; status=1; }
found=$(grep -rnE 'dlopen|Thread[ ({.]|DispatchSemaphore|TaskExecutor|^import Dispatch' Sources/InstanceSegmentation --include='*.swift' || true)
[ -z "$found" ] || { echo "imports: threads and libraries belong to RuntimeSupport:"; echo "$found"; status=1; }
found=$(grep -rnE 'nonisolated\(unsafe\)|try!|fatalError\(' Sources --include='*.swift' || true)
[ -z "$found" ] || { echo "imports: not in Sources:"; echo "$found"; status=1; }
exit $status
