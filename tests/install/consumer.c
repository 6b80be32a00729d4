/* usage: consumer_c NETWORK: the network of install_test.py, through every function of adze.h. */
#include <adze/adze.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define EXPECT(condition)                                                                     \
  do {                                                                                        \
    if (!(condition)) {                                                                       \
      fprintf(stderr, "line %d: not %s; last error: %s\n", __LINE__, #condition, adze_last_error()); \
      return 1;                                                                               \
    }                                                                                         \
  } while (0)

int main(int argc, char** argv) {
  EXPECT(argc == 2);
  EXPECT(strlen(adze_version()) >= 5);
  EXPECT(strcmp(adze_last_error(), "") == 0);

  adze_model* model = NULL;
  EXPECT(adze_model_load("nothing.onnx", 1, &model) == ADZE_INVALID_INPUT);
  EXPECT(model == NULL && strstr(adze_last_error(), "nothing.onnx") != NULL);
  EXPECT(adze_model_load(argv[1], 1025, &model) == ADZE_USAGE);
  EXPECT(adze_model_load(NULL, 1, &model) == ADZE_USAGE);
  EXPECT(adze_model_load(argv[1], 2, &model) == ADZE_OK);

  adze_tensor info;
  EXPECT(adze_model_num_inputs(model) == 1 && adze_model_num_outputs(model) == 2);
  EXPECT(adze_model_describe_input(model, 0, &info) == ADZE_OK);
  EXPECT(strcmp(info.name, "x") == 0 && info.rank == 2 && info.dims[0] == -1 && info.dims[1] == 3);
  EXPECT(adze_model_describe_output(model, 1, &info) == ADZE_OK && strcmp(info.name, "best") == 0);
  EXPECT(adze_model_describe_input(model, 1, &info) == ADZE_USAGE);

  const float values[] = {1, 2, 3, -1, 0.5f, 4};
  const int64_t dims[] = {2, 3};
  const int64_t wrong_dims[] = {3, 2};
  const adze_tensor x = {"x", values, dims, 2};
  const adze_tensor wrong_shape = {"x", values, wrong_dims, 2};
  const adze_tensor wrong_name = {"z", values, dims, 2};
  const adze_tensor no_data = {"x", NULL, dims, 2};
  adze_tensor y;
  EXPECT(adze_model_output(model, 0, &y) == ADZE_USAGE);
  EXPECT(adze_model_run(model, &wrong_name, 1) == ADZE_INVALID_INPUT);
  EXPECT(adze_model_run(model, &wrong_shape, 1) == ADZE_INVALID_INPUT);
  EXPECT(adze_model_run(model, &no_data, 1) == ADZE_USAGE);
  EXPECT(adze_model_run(NULL, &x, 1) == ADZE_USAGE && adze_model_num_inputs(NULL) == 0);
  EXPECT(adze_model_output(NULL, 0, &y) == ADZE_USAGE);
  EXPECT(adze_model_output(model, 0, NULL) == ADZE_USAGE);
  EXPECT(adze_model_run(model, NULL, 0) == ADZE_INVALID_INPUT);
  EXPECT(adze_model_run(model, &x, 1) == ADZE_OK);

  /* y = x * [[1, 0], [0.5, -1], [2, 1]] + [10, 20] */
  const float want[] = {18, 21, 17.25f, 23.5f};
  EXPECT(adze_model_output(model, 0, &y) == ADZE_OK);
  EXPECT(strcmp(y.name, "y") == 0 && y.rank == 2 && y.dims[0] == 2 && y.dims[1] == 2);
  for (int i = 0; i < 4; ++i) EXPECT(fabsf(y.data[i] - want[i]) < 1e-5f);
  EXPECT(adze_model_output(model, 1, &y) == ADZE_OK); /* integers become floats */
  EXPECT(y.data[0] == 1 && y.data[1] == 1);
  EXPECT(adze_model_output(model, 2, &y) == ADZE_USAGE);
  adze_model_free(model);
  adze_model_free(NULL);
  return 0;
}
