/* adze from C: loads a network file and runs it on float tensors.
 *
 *   adze_model* model = NULL;
 *   adze_code code = adze_model_load("net.onnx", 0, &model);
 *   const int64_t dims[] = {1, 3, 224, 224};
 *   const adze_tensor x = {"image", pixels, dims, 4};
 *   adze_tensor y;
 *   if (code == ADZE_OK) code = adze_model_run(model, &x, 1);
 *   if (code == ADZE_OK) code = adze_model_output(model, 0, &y);
 *   if (code != ADZE_OK) puts(adze_last_error());
 *
 * Errors: functions that can fail return an adze_code; adze_last_error() then says in one sentence
 * what is wrong. A failed call leaves its result arguments as they were. Nothing prints, exits or
 * throws.
 *
 * Threads: any number of models may be used at once, each by one thread at a time. adze_version,
 * adze_last_error and everything that takes a const adze_model* only read.
 *
 * Stability: before 1.0 this interface may change with every minor version.
 */
#ifndef ADZE_ADZE_H_
#define ADZE_ADZE_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The numbers are those of the program's exit codes (docs/cli.md). */
typedef enum adze_code {
  ADZE_OK = 0,
  ADZE_USAGE = 2,         /* an argument of the call is wrong, or ADZE_ISA */
  ADZE_INVALID_INPUT = 3, /* the file, the tensors, or the environment (disk, memory) */
  ADZE_UNSUPPORTED = 4,   /* a correct network that adze cannot run; the sentence names the node */
  ADZE_INTERNAL = 70      /* an error in adze itself; please report it */
} adze_code;

/* "0.1.0". Never null, never to be freed. */
const char* adze_version(void);

/* What went wrong in the last failed call of this thread: one sentence in UTF-8 without a full
 * stop, "" if none failed. Valid until this thread's next call of a function that returns an
 * adze_code. */
const char* adze_last_error(void);

/* A network with its threads and its memory for one run at a time. */
typedef struct adze_model adze_model;

/* Reads a network, float or quantized: .onnx, .adzir (text), or a plan file of adze convert (.adz),
 * which is mapped, starts at once and shares its weights with other processes; it must not be
 * changed while a model uses it. `threads` counts the thread that runs; 0: as many as this process
 * may use; at most 1024. On success *model is to be freed by adze_model_free. */
adze_code adze_model_load(const char* path, int threads, adze_model** model);

/* Frees the model and all that it handed out. Null is fine. */
void adze_model_free(adze_model* model);

/* Dense float32 values, row-major, the last dimension fastest; dims has `rank` entries, none for a
 * scalar. */
typedef struct adze_tensor {
  const char* name;
  const float* data;
  const int64_t* dims;
  int rank;
} adze_tensor;

/* Inputs and outputs in the order of the file; 0 of a null model. */
int adze_model_num_inputs(const adze_model* model);
int adze_model_num_outputs(const adze_model* model);

/* Name and declared shape of input or output `index`, a free dimension being -1; data is null. It
 * belongs to the model and lives as long. ADZE_USAGE if there is no such index. */
adze_code adze_model_describe_input(const adze_model* model, int index, adze_tensor* tensor);
adze_code adze_model_describe_output(const adze_model* model, int index, adze_tensor* tensor);

/* Runs once. `inputs` names each input of the network once, in any order, with a shape that fits
 * the declared one; they are only read, and not kept. Shapes may change from run to run; a change
 * costs a new layout of the memory. Networks with inputs that are not float32 are refused
 * (ADZE_UNSUPPORTED). */
adze_code adze_model_run(adze_model* model, const adze_tensor* inputs, int num_inputs);

/* Output `index` of the last successful run, copied: it belongs to the model and is valid until the
 * next run, the next adze_model_output of this index, or adze_model_free. Integer outputs are
 * converted to float, quantized ones dequantized. ADZE_USAGE if there is no such index or nothing
 * was run. */
adze_code adze_model_output(adze_model* model, int index, adze_tensor* tensor);

#ifdef __cplusplus
}
#endif

#endif /* ADZE_ADZE_H_ */
