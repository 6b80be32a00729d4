#include <adze/adze.h>
#include <stdio.h>
#include <stdlib.h>

#include "backend.h"

static adze_model* model;

static void Check(adze_code code) {
  if (code == ADZE_OK) return;
  fprintf(stderr, "%s\n", adze_last_error());
  exit(1);
}

void StartLibrary(void) {}

void LoadNetwork(const char* path) { Check(adze_model_load(path, 1, &model)); }

const float* RunOnce(const char* input, const float* x, const int64_t* dims, int rank, size_t* n) {
  const adze_tensor in = {input, x, dims, rank};
  Check(adze_model_run(model, &in, 1));
  adze_tensor out;
  Check(adze_model_output(model, 0, &out));
  *n = 1;
  for (int i = 0; i < out.rank; ++i) *n *= (size_t)out.dims[i];
  return out.data;
}
