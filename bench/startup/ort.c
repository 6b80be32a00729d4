/* ONNX Runtime through its C interface, from the library of its Python package (which has no
 * header): a table of functions whose positions never change. ORT_LIBRARY names the library;
 * ORT_OPTIMIZED says that the network was optimised before it was saved. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "backend.h"

enum {
  kApiVersion = 13, /* any that the library knows: newer functions stand behind these */
  kGetErrorMessage = 2,
  kCreateEnv = 3,
  kCreateSession = 7,
  kRun = 9,
  kCreateSessionOptions = 10,
  kSetGraphOptimizationLevel = 23,
  kSetIntraOpNumThreads = 24,
  kSessionGetOutputName = 37,
  kCreateTensorWithData = 49,
  kGetTensorMutableData = 51,
  kGetTensorShapeElementCount = 64,
  kGetTensorTypeAndShape = 65,
  kCreateCpuMemoryInfo = 69,
  kGetAllocatorWithDefaultOptions = 78,
};

struct ApiBase {
  const void* const* (*get_api)(uint32_t version);
};

static const void* const* api;
static void *env, *options, *session;

static void Check(void* status) {
  if (status == NULL) return;
  fprintf(stderr, "%s\n", ((const char* (*)(void*))api[kGetErrorMessage])(status));
  exit(1);
}

/* Calls function `index` of the table, whose parameters have the types in brackets. */
#define CALL(index, types, ...) Check(((void*(*)types)api[index])(__VA_ARGS__))

void StartLibrary(void) {
  void* const library = dlopen(getenv("ORT_LIBRARY"), RTLD_LAZY);
  if (library == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    exit(1);
  }
  struct ApiBase* (*base)(void) = (struct ApiBase * (*)(void)) dlsym(library, "OrtGetApiBase");
  api = base()->get_api(kApiVersion);
  CALL(kCreateEnv, (int, const char*, void**), 3, "startup", &env);
}

void LoadNetwork(const char* path) {
  CALL(kCreateSessionOptions, (void**), &options);
  CALL(kSetIntraOpNumThreads, (void*, int), options, 1);
  if (getenv("ORT_OPTIMIZED") != NULL) CALL(kSetGraphOptimizationLevel, (void*, int), options, 0);
  CALL(kCreateSession, (void*, const char*, void*, void**), env, path, options, &session);
}

const float* RunOnce(const char* input, const float* x, const int64_t* dims, int rank, size_t* n) {
  void *memory, *allocator, *in, *out = NULL, *info;
  char* output;
  size_t size = 1;
  for (int i = 0; i < rank; ++i) size *= (size_t)dims[i];
  CALL(kCreateCpuMemoryInfo, (int, int, void**), 1, 0, &memory);
  CALL(kCreateTensorWithData, (void*, const float*, size_t, const int64_t*, size_t, int, void**),
       memory, x, size * sizeof *x, dims, (size_t)rank, 1, &in);
  CALL(kGetAllocatorWithDefaultOptions, (void**), &allocator);
  CALL(kSessionGetOutputName, (void*, size_t, void*, char**), session, 0, allocator, &output);
  CALL(kRun,
       (void*, void*, const char* const*, void* const*, size_t, const char* const*, size_t, void**),
       session, NULL, &input, &in, 1, (const char* const*)&output, 1, &out);
  void* y;
  CALL(kGetTensorMutableData, (void*, void**), out, &y);
  CALL(kGetTensorTypeAndShape, (void*, void**), out, &info);
  CALL(kGetTensorShapeElementCount, (void*, size_t*), info, n);
  return y;
}
