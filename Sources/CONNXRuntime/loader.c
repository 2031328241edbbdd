#include "CONNXRuntime.h"

#include <dlfcn.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

// Keeps the library from sending usage data, which it otherwise does from the moment it is loaded: it reads the variable then.
static void disable_telemetry(void) {
    const char *value = getenv("ORT_DISABLE_TELEMETRY");
    if (value == NULL || strcmp(value, "1") != 0) setenv("ORT_DISABLE_TELEMETRY", "1", 1);
}

const OrtApiBase *silhouette_ort_open(const char *path, const char **error) {
    disable_telemetry();
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL); // never closed: its threads may outlive any owner
    if (library == NULL) {
        *error = dlerror();
        return NULL;
    }
    const OrtApiBase *(*entry)(void) = (const OrtApiBase *(*)(void))dlsym(library, "OrtGetApiBase");
    if (entry == NULL) {
        *error = "it has no symbol OrtGetApiBase, so it is not ONNX Runtime";
        dlclose(library);
        return NULL;
    }
    return entry();
}
