/* usage: startup_adze|startup_ort NETWORK INPUT_NAME FILE DIM...
 *
 * Runs NETWORK once on the float32 values in FILE. The first line on stdout is the position and the
 * value of the largest output, written as soon as it is known; the second, as JSON, the
 * milliseconds that each part took and the kilobytes of memory then in use. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend.h"

static double NowMs(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

/* The kilobytes behind `key` in a file of /proc. */
static long Kilobytes(const char* path, const char* key) {
  char line[256];
  long kilobytes = -1;
  FILE* const f = fopen(path, "r");
  while (f != NULL && fgets(line, sizeof line, f) != NULL) {
    if (strncmp(line, key, strlen(key)) == 0) kilobytes = atol(line + strlen(key));
  }
  if (f != NULL) fclose(f);
  return kilobytes;
}

int main(int argc, char** argv) {
  enum { kMaxRank = 8 };
  int64_t dims[kMaxRank];
  const int rank = argc - 4;
  if (rank < 1 || rank > kMaxRank) return 2;
  size_t size = 1;
  for (int i = 0; i < rank; ++i) {
    dims[i] = atoll(argv[4 + i]);
    size *= (size_t)dims[i];
  }
  float* const x = malloc(size * sizeof *x);
  FILE* const f = fopen(argv[3], "rb");
  if (x == NULL || f == NULL || fread(x, sizeof *x, size, f) != size) return 2;
  fclose(f);

  const double start = NowMs();
  StartLibrary();
  const double ready = NowMs();
  LoadNetwork(argv[1]);
  const double loaded = NowMs();
  size_t n = 0;
  const float* const y = RunOnce(argv[2], x, dims, rank, &n);
  const double ran = NowMs();
  size_t best = 0;
  for (size_t i = 1; i < n; ++i) best = y[i] > y[best] ? i : best;
  printf("%zu %g\n", best, (double)y[best]);
  fflush(stdout);
  printf(
      "{\"library_ms\": %.3f, \"load_ms\": %.3f, \"first_ms\": %.3f, \"peak_kb\": %ld, "
      "\"private_dirty_kb\": %ld}\n",
      ready - start, loaded - ready, ran - loaded, Kilobytes("/proc/self/status", "VmHWM:"),
      Kilobytes("/proc/self/smaps_rollup", "Private_Dirty:"));
  return 0;
}
