// The part of the OpenVINO C API that Silhouette calls, as a table that is filled from the library when it is opened.
//
// Everything here exists since release 2023.1. Enumerations are declared as `int32_t` and objects as incomplete types, which Swift
// sees as OpaquePointer. What a `ov_status` function made belongs to the caller, who frees it with the function of its kind.

#ifndef SILHOUETTE_COPENVINO_H
#define SILHOUETTE_COPENVINO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

typedef struct ov_core ov_core_t;
typedef struct ov_model ov_model_t;
typedef struct ov_compiled_model ov_compiled_model_t;
typedef struct ov_infer_request ov_infer_request_t;
typedef struct ov_tensor ov_tensor_t;
typedef struct ov_output_const_port ov_output_const_port_t;

typedef struct ov_version {
    const char *_Nullable buildNumber;
    const char *_Nullable description;
} ov_version_t;

typedef struct ov_shape {
    int64_t rank;
    int64_t *_Nullable dims;
} ov_shape_t;

typedef struct ov_dimension {
    int64_t min;
    int64_t max; // -1 where there is no limit
} ov_dimension_t;

typedef struct ov_partial_shape {
    ov_dimension_t rank;
    ov_dimension_t *_Nullable dims;
} ov_partial_shape_t;

/// 0, or a negative number.
typedef int32_t ov_status;

typedef struct SilhouetteOpenVINO {
    ov_status (*ov_get_openvino_version)(ov_version_t *version);
    void (*ov_version_free)(ov_version_t *version);
    const char *_Nullable (*_Nonnull ov_get_error_info)(ov_status status);
    const char *_Nullable (*_Nonnull ov_get_last_err_msg)(void); // a copy, for ov_free
    void (*ov_free)(const char *text);
    ov_status (*ov_core_create)(ov_core_t *_Nullable *_Nonnull core);
    ov_status (*ov_core_get_property)(const ov_core_t *core, const char *device, const char *key, char *_Nullable *_Nonnull value);
    ov_status (*ov_core_read_model)(const ov_core_t *core, const char *path, const char *_Nullable weights, ov_model_t *_Nullable *_Nonnull model);
    ov_status (*ov_core_compile_model)(const ov_core_t *core, const ov_model_t *model, const char *device, size_t propertyCount, ov_compiled_model_t *_Nullable *_Nonnull compiled, ...);
    void (*ov_model_free)(ov_model_t *model);
    ov_status (*ov_model_inputs_size)(const ov_model_t *model, size_t *count);
    ov_status (*ov_model_outputs_size)(const ov_model_t *model, size_t *count);
    ov_status (*ov_model_const_input_by_index)(const ov_model_t *model, size_t index, ov_output_const_port_t *_Nullable *_Nonnull port);
    ov_status (*ov_model_const_output_by_index)(const ov_model_t *model, size_t index, ov_output_const_port_t *_Nullable *_Nonnull port);
    void (*ov_output_const_port_free)(ov_output_const_port_t *port);
    ov_status (*ov_port_get_element_type)(const ov_output_const_port_t *port, int32_t *type);
    ov_status (*ov_port_get_partial_shape)(const ov_output_const_port_t *port, ov_partial_shape_t *shape);
    void (*ov_partial_shape_free)(ov_partial_shape_t *shape);
    void (*ov_compiled_model_free)(ov_compiled_model_t *compiled);
    ov_status (*ov_compiled_model_create_infer_request)(const ov_compiled_model_t *compiled, ov_infer_request_t *_Nullable *_Nonnull request);
    void (*ov_infer_request_free)(ov_infer_request_t *request);
    ov_status (*ov_infer_request_set_input_tensor_by_index)(ov_infer_request_t *request, size_t index, const ov_tensor_t *tensor);
    ov_status (*ov_infer_request_get_output_tensor_by_index)(const ov_infer_request_t *request, size_t index, ov_tensor_t *_Nullable *_Nonnull tensor);
    ov_status (*ov_infer_request_infer)(ov_infer_request_t *request);
    ov_status (*ov_infer_request_cancel)(ov_infer_request_t *request);
    ov_status (*ov_tensor_create_from_host_ptr)(int32_t type, ov_shape_t shape, void *data, ov_tensor_t *_Nullable *_Nonnull tensor);
    ov_status (*ov_tensor_get_shape)(const ov_tensor_t *tensor, ov_shape_t *shape);
    ov_status (*ov_shape_free)(ov_shape_t *shape);
    ov_status (*ov_tensor_get_element_type)(const ov_tensor_t *tensor, int32_t *type);
    ov_status (*ov_tensor_data)(const ov_tensor_t *tensor, void *_Nullable *_Nonnull data);
    void (*ov_tensor_free)(ov_tensor_t *tensor);
} SilhouetteOpenVINO;

/// Opens the shared library at `path` and finds its functions. On failure returns NULL and points `error` at a message that is valid
/// until the next call. Library and table stay for the life of the process; there is one table for each library, by whatever path it is
/// opened. Not to be called by two threads at once.
const SilhouetteOpenVINO *_Nullable silhouette_openvino_open(const char *path, const char *_Nullable *_Nonnull error);

/// Compiles a model for the CPU with a precision (`f32`, `bf16`), a number of streams (inferences at once) and of threads in all.
/// Threads are not bound to cores, which other work of the process also wants.
ov_status silhouette_openvino_compile(const SilhouetteOpenVINO *table, const ov_core_t *core, const ov_model_t *model, const char *precision, const char *streams, const char *threads, ov_compiled_model_t *_Nullable *_Nonnull compiled);

#pragma clang assume_nonnull end

#endif
