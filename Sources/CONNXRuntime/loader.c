#include "CONNXRuntime.h"

#include <dlfcn.h>
#include <stddef.h>

const OrtApiBase *silhouette_ort_open(const char *path, const char **error) {
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
