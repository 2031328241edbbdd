// The part of the ONNX Runtime C API that Silhouette calls, in the order of its table.
//
// `OrtApi` is a table of function pointers that only ever grows at its end, so a slot's number never changes; the
// entries between those that are called are gaps. Everything here exists since release 1.12 (`ORT_API_VERSION` 12).
// The C enumerations are declared as `int32_t` and the objects as incomplete types, which Swift sees as OpaquePointer.

#ifndef SILHOUETTE_CONNXRUNTIME_H
#define SILHOUETTE_CONNXRUNTIME_H

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

typedef struct OrtStatus OrtStatus;
typedef struct OrtEnv OrtEnv;
typedef struct OrtSession OrtSession;
typedef struct OrtSessionOptions OrtSessionOptions;
typedef struct OrtRunOptions OrtRunOptions;
typedef struct OrtValue OrtValue;
typedef struct OrtMemoryInfo OrtMemoryInfo;
typedef struct OrtArenaCfg OrtArenaCfg;
typedef struct OrtAllocator OrtAllocator;
typedef struct OrtTypeInfo OrtTypeInfo;
typedef struct OrtTensorTypeAndShapeInfo OrtTensorTypeAndShapeInfo;
typedef struct OrtModelMetadata OrtModelMetadata;

typedef void (*OrtLoggingFunction)(void *_Nullable context, int32_t severity, const char *_Nullable category,
                                   const char *_Nullable logID, const char *_Nullable location,
                                   const char *_Nullable message);

typedef struct OrtApi {
    OrtStatus *_Nullable (*_Nonnull CreateStatus)(int32_t code, const char *message); // 0
    int32_t (*GetErrorCode)(const OrtStatus *status); // 1
    const char *_Nonnull (*_Nonnull GetErrorMessage)(const OrtStatus *status); // 2
    void *_Nullable gap3[1];
    OrtStatus *_Nullable (*_Nonnull CreateEnvWithCustomLogger)(OrtLoggingFunction function, void *_Nullable context, int32_t severity, const char *logID, OrtEnv *_Nullable *_Nonnull out); // 4
    void *_Nullable gap5[1];
    OrtStatus *_Nullable (*_Nonnull DisableTelemetryEvents)(const OrtEnv *env); // 6
    OrtStatus *_Nullable (*_Nonnull CreateSession)(const OrtEnv *env, const char *path, const OrtSessionOptions *options, OrtSession *_Nullable *_Nonnull out); // 7
    OrtStatus *_Nullable (*_Nonnull CreateSessionFromArray)(const OrtEnv *env, const void *bytes, size_t length, const OrtSessionOptions *options, OrtSession *_Nullable *_Nonnull out); // 8
    OrtStatus *_Nullable (*_Nonnull Run)(OrtSession *session, const OrtRunOptions *_Nullable options, const char *_Nonnull const *_Nonnull inputNames, const OrtValue *_Nonnull const *_Nonnull inputs, size_t inputCount, const char *_Nonnull const *_Nonnull outputNames, size_t outputCount, OrtValue *_Nullable *_Nonnull outputs); // 9
    OrtStatus *_Nullable (*_Nonnull CreateSessionOptions)(OrtSessionOptions *_Nullable *_Nonnull out); // 10
    void *_Nullable gap11[9];
    OrtStatus *_Nullable (*_Nonnull SetSessionLogId)(OrtSessionOptions *options, const char *logID); // 20
    void *_Nullable gap21[2];
    OrtStatus *_Nullable (*_Nonnull SetSessionGraphOptimizationLevel)(OrtSessionOptions *options, int32_t level); // 23
    OrtStatus *_Nullable (*_Nonnull SetIntraOpNumThreads)(OrtSessionOptions *options, int count); // 24
    void *_Nullable gap25[5];
    OrtStatus *_Nullable (*_Nonnull SessionGetInputCount)(const OrtSession *session, size_t *out); // 30
    OrtStatus *_Nullable (*_Nonnull SessionGetOutputCount)(const OrtSession *session, size_t *out); // 31
    void *_Nullable gap32[1];
    OrtStatus *_Nullable (*_Nonnull SessionGetInputTypeInfo)(const OrtSession *session, size_t index, OrtTypeInfo *_Nullable *_Nonnull out); // 33
    OrtStatus *_Nullable (*_Nonnull SessionGetOutputTypeInfo)(const OrtSession *session, size_t index, OrtTypeInfo *_Nullable *_Nonnull out); // 34
    void *_Nullable gap35[1];
    OrtStatus *_Nullable (*_Nonnull SessionGetInputName)(const OrtSession *session, size_t index, OrtAllocator *allocator, char *_Nullable *_Nonnull out); // 36
    OrtStatus *_Nullable (*_Nonnull SessionGetOutputName)(const OrtSession *session, size_t index, OrtAllocator *allocator, char *_Nullable *_Nonnull out); // 37
    void *_Nullable gap38[1];
    OrtStatus *_Nullable (*_Nonnull CreateRunOptions)(OrtRunOptions *_Nullable *_Nonnull out); // 39
    void *_Nullable gap40[6];
    OrtStatus *_Nullable (*_Nonnull RunOptionsSetTerminate)(OrtRunOptions *options); // 46
    void *_Nullable gap47[2];
    OrtStatus *_Nullable (*_Nonnull CreateTensorWithDataAsOrtValue)(const OrtMemoryInfo *info, void *data, size_t byteCount, const int64_t *shape, size_t rank, int32_t elementType, OrtValue *_Nullable *_Nonnull out); // 49
    OrtStatus *_Nullable (*_Nonnull IsTensor)(const OrtValue *value, int *out); // 50
    OrtStatus *_Nullable (*_Nonnull GetTensorMutableData)(OrtValue *value, void *_Nullable *_Nonnull out); // 51
    void *_Nullable gap52[3];
    OrtStatus *_Nullable (*_Nonnull CastTypeInfoToTensorInfo)(const OrtTypeInfo *info, const OrtTensorTypeAndShapeInfo *_Nullable *_Nonnull out); // 55
    void *_Nullable gap56[4];
    OrtStatus *_Nullable (*_Nonnull GetTensorElementType)(const OrtTensorTypeAndShapeInfo *info, int32_t *out); // 60
    OrtStatus *_Nullable (*_Nonnull GetDimensionsCount)(const OrtTensorTypeAndShapeInfo *info, size_t *out); // 61
    OrtStatus *_Nullable (*_Nonnull GetDimensions)(const OrtTensorTypeAndShapeInfo *info, int64_t *_Nullable values, size_t count); // 62
    OrtStatus *_Nullable (*_Nonnull GetSymbolicDimensions)(const OrtTensorTypeAndShapeInfo *info, const char *_Nullable *_Nullable names, size_t count); // 63
    void *_Nullable gap64[1];
    OrtStatus *_Nullable (*_Nonnull GetTensorTypeAndShape)(const OrtValue *value, OrtTensorTypeAndShapeInfo *_Nullable *_Nonnull out); // 65
    void *_Nullable gap66[3];
    OrtStatus *_Nullable (*_Nonnull CreateCpuMemoryInfo)(int32_t allocatorType, int32_t memoryType, OrtMemoryInfo *_Nullable *_Nonnull out); // 69
    void *_Nullable gap70[6];
    OrtStatus *_Nullable (*_Nonnull AllocatorFree)(OrtAllocator *allocator, void *memory); // 76
    void *_Nullable gap77[1];
    OrtStatus *_Nullable (*_Nonnull GetAllocatorWithDefaultOptions)(OrtAllocator *_Nullable *_Nonnull out); // 78
    void *_Nullable gap79[13];
    void (*ReleaseEnv)(OrtEnv *_Nullable); // 92
    void (*ReleaseStatus)(OrtStatus *_Nullable); // 93
    void (*ReleaseMemoryInfo)(OrtMemoryInfo *_Nullable); // 94
    void (*ReleaseSession)(OrtSession *_Nullable); // 95
    void (*ReleaseValue)(OrtValue *_Nullable); // 96
    void (*ReleaseRunOptions)(OrtRunOptions *_Nullable); // 97
    void (*ReleaseTypeInfo)(OrtTypeInfo *_Nullable); // 98
    void (*ReleaseTensorTypeAndShapeInfo)(OrtTensorTypeAndShapeInfo *_Nullable); // 99
    void (*ReleaseSessionOptions)(OrtSessionOptions *_Nullable); // 100
    void *_Nullable gap101[10];
    OrtStatus *_Nullable (*_Nonnull SessionGetModelMetadata)(const OrtSession *session, OrtModelMetadata *_Nullable *_Nonnull out); // 111
    OrtStatus *_Nullable (*_Nonnull ModelMetadataGetProducerName)(const OrtModelMetadata *metadata, OrtAllocator *allocator, char *_Nullable *_Nonnull out); // 112
    void *_Nullable gap113[3];
    OrtStatus *_Nullable (*_Nonnull ModelMetadataLookupCustomMetadataMap)(const OrtModelMetadata *metadata, OrtAllocator *allocator, const char *key, char *_Nullable *_Nonnull out); // 116
    void *_Nullable gap117[1];
    void (*ReleaseModelMetadata)(OrtModelMetadata *_Nullable); // 118
    void *_Nullable gap119[4];
    OrtStatus *_Nullable (*_Nonnull ModelMetadataGetCustomMetadataMapKeys)(const OrtModelMetadata *metadata, OrtAllocator *allocator, char *_Nullable *_Nullable *_Nonnull keys, int64_t *count); // 123
    void *_Nullable gap124[6];
    OrtStatus *_Nullable (*_Nonnull AddSessionConfigEntry)(OrtSessionOptions *options, const char *key, const char *value); // 130
    void *_Nullable gap131[13];
    OrtStatus *_Nullable (*_Nonnull CreateAndRegisterAllocator)(OrtEnv *env, const OrtMemoryInfo *info, const OrtArenaCfg *_Nullable configuration); // 144
    void *_Nullable gap145[11];
    OrtStatus *_Nullable (*_Nonnull CreateArenaCfg)(size_t maxMemory, int extendStrategy, int initialChunkBytes, int maxDeadBytesPerChunk, OrtArenaCfg *_Nullable *_Nonnull out); // 156
    void (*ReleaseArenaCfg)(OrtArenaCfg *_Nullable); // 157
    void *_Nullable gap158[7];
    OrtStatus *_Nullable (*_Nonnull AddRunConfigEntry)(OrtRunOptions *options, const char *key, const char *value); // 165
} OrtApi;

typedef struct OrtApiBase {
    const OrtApi *_Nullable (*_Nonnull GetApi)(uint32_t version);
    const char *_Nonnull (*_Nonnull GetVersionString)(void);
} OrtApiBase;

/// Opens the shared library at `path` and finds its entry point. On failure returns NULL and points `error` at a
/// message that is valid until the next call. The library stays open for the life of the process. Sets ORT_DISABLE_TELEMETRY to 1
/// in the environment of the process first, unless it is already, so that the library sends no usage data. A program with several
/// threads should set it itself before they start: other threads must not read the environment meanwhile.
const OrtApiBase *_Nullable silhouette_ort_open(const char *path, const char *_Nullable *_Nonnull error);

#pragma clang assume_nonnull end

#endif
