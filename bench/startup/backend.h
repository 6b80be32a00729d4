/* What main.c measures. A failure prints its reason and exits. */
#ifndef ADZE_BENCH_STARTUP_BACKEND_H_
#define ADZE_BENCH_STARTUP_BACKEND_H_

#include <stddef.h>
#include <stdint.h>

/* Makes the runtime's library ready: loading it, its environment. */
void StartLibrary(void);
/* From the file to a network that can run, on one thread. */
void LoadNetwork(const char* path);
/* One run; the first output and its number of values, valid until exit. */
const float* RunOnce(const char* input, const float* x, const int64_t* dims, int rank, size_t* n);

#endif /* ADZE_BENCH_STARTUP_BACKEND_H_ */
