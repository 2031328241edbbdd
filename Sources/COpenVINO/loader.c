#include "COpenVINO.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

static _Thread_local char message[256];

// The libraries that are open.
typedef struct Opened {
    SilhouetteOpenVINO table;
    void *library;
    struct Opened *next;
} Opened;

static Opened *opened;

const SilhouetteOpenVINO *silhouette_openvino_open(const char *path, const char **error) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL); // never closed: its threads may outlive any owner
    if (library == NULL) {
        *error = dlerror();
        return NULL;
    }
    for (const Opened *other = opened; other != NULL; other = other->next) {
        if (other->library == library) {
            dlclose(library); // it was counted once more
            return &other->table;
        }
    }
    Opened *entry = calloc(1, sizeof *entry);
    if (entry == NULL) {
        *error = "there is no memory for its functions";
        dlclose(library);
        return NULL;
    }
    entry->library = library;
    SilhouetteOpenVINO *table = &entry->table;
#define LOAD(name)                                                                                                     \
    *(void **)&table->name = dlsym(library, #name);                                                                    \
    if (table->name == NULL) {                                                                                         \
        snprintf(message, sizeof message, "it has no symbol %s, so it is not the C library of OpenVINO 2023.1 or newer", #name); \
        *error = message;                                                                                              \
        free(entry);                                                                                                   \
        dlclose(library);                                                                                              \
        return NULL;                                                                                                   \
    }
    LOAD(ov_get_openvino_version)
    LOAD(ov_version_free)
    LOAD(ov_get_error_info)
    LOAD(ov_get_last_err_msg)
    LOAD(ov_free)
    LOAD(ov_core_create)
    LOAD(ov_core_get_property)
    LOAD(ov_core_read_model)
    LOAD(ov_core_compile_model)
    LOAD(ov_model_free)
    LOAD(ov_model_inputs_size)
    LOAD(ov_model_outputs_size)
    LOAD(ov_model_const_input_by_index)
    LOAD(ov_model_const_output_by_index)
    LOAD(ov_output_const_port_free)
    LOAD(ov_port_get_element_type)
    LOAD(ov_port_get_partial_shape)
    LOAD(ov_partial_shape_free)
    LOAD(ov_compiled_model_free)
    LOAD(ov_compiled_model_create_infer_request)
    LOAD(ov_infer_request_free)
    LOAD(ov_infer_request_set_input_tensor_by_index)
    LOAD(ov_infer_request_get_output_tensor_by_index)
    LOAD(ov_infer_request_infer)
    LOAD(ov_infer_request_cancel)
    LOAD(ov_tensor_create_from_host_ptr)
    LOAD(ov_tensor_get_shape)
    LOAD(ov_shape_free)
    LOAD(ov_tensor_get_element_type)
    LOAD(ov_tensor_data)
    LOAD(ov_tensor_free)
#undef LOAD
    entry->next = opened;
    opened = entry;
    return table;
}

ov_status silhouette_openvino_compile(const SilhouetteOpenVINO *table, const ov_core_t *core, const ov_model_t *model,
                                      const char *precision, const char *streams, const char *threads,
                                      ov_compiled_model_t **compiled) {
    return table->ov_core_compile_model(core, model, "CPU", 8, compiled, "INFERENCE_PRECISION_HINT", precision,
                                        "NUM_STREAMS", streams, "INFERENCE_NUM_THREADS", threads, "ENABLE_CPU_PINNING",
                                        "NO");
}
