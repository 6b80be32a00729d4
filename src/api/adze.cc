// The C ABI: the only place where Status becomes a code and exceptions end.
#include <adze/adze.h>

#include <exception>
#include <new>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "api/model_file.h"

struct adze_model {
  struct Description {
    std::string name;
    std::vector<int64_t> dims;
  };
  adze::LoadedModel loaded;
  std::vector<Description> inputs, outputs;
  std::vector<adze::Tensor> results;  // what adze_model_output handed out
  bool has_run = false;
};

namespace {

using adze::InvalidInput;
using adze::OkStatus;
using adze::PlanValue;
using adze::Status;
using adze::UsageError;

constexpr int kMaxThreads = 1024;

thread_local std::string last_error;

// The border: nothing throws across it, and the sentence stays with this thread.
template <typename Function>
adze_code Guard(Function function) {
  Status status;
  try {
    status = function();
  } catch (const std::bad_alloc&) {
    status = InvalidInput("out of memory");
  } catch (const std::system_error& e) {  // threads
    status = InvalidInput(std::string("the system refused a resource: ") + e.what());
  } catch (const std::exception& e) {
    status = adze::InternalError(std::string("unexpected: ") + e.what());
  }
  if (status.ok()) return ADZE_OK;
  last_error = status.message();
  return static_cast<adze_code>(status.code());
}

const PlanValue& ValueOf(const adze_model& model, int32_t i) {
  return model.loaded.plan->values[static_cast<size_t>(i)];
}

std::vector<adze_model::Description> Describe(const adze_model& model,
                                              const std::vector<int32_t>& values) {
  std::vector<adze_model::Description> list;
  for (const int32_t i : values) {
    const PlanValue& v = ValueOf(model, i);
    std::vector<int64_t> dims;
    for (const adze::Dim& d : v.shape) dims.push_back(d.is_const() ? d.value() : -1);
    list.push_back({v.name, std::move(dims)});
  }
  return list;
}

Status CheckIndex(int index, size_t count, const char* what) {
  if (index >= 0 && static_cast<size_t>(index) < count) return OkStatus();
  return UsageError("there is no " + std::string(what) + " " + std::to_string(index) +
                    ", the network has " + std::to_string(count));
}

Status CheckPointers(const adze_model* model, const void* tensor) {
  return model != nullptr && tensor != nullptr ? OkStatus() : UsageError("model or tensor is null");
}

adze_code DescribeOne(const adze_model* model, std::vector<adze_model::Description> adze_model::*of,
                      int index, const char* what, adze_tensor* tensor) {
  return Guard([&]() -> Status {
    ADZE_TRY(CheckPointers(model, tensor));
    const std::vector<adze_model::Description>& list = model->*of;
    ADZE_TRY(CheckIndex(index, list.size(), what));
    const adze_model::Description& d = list[static_cast<size_t>(index)];
    *tensor = {d.name.c_str(), nullptr, d.dims.data(), static_cast<int>(d.dims.size())};
    return OkStatus();
  });
}

Status Run(adze_model* model, const adze_tensor* given, int num_given) {
  if (model == nullptr) return UsageError("model is null");
  const std::vector<int32_t>& inputs = model->loaded.plan->inputs;
  if (num_given < 0 || (num_given > 0 && given == nullptr)) return UsageError("inputs is null");
  if (static_cast<size_t>(num_given) != inputs.size()) {
    return InvalidInput("the network has " + std::to_string(inputs.size()) + " inputs, " +
                        std::to_string(num_given) + " were given");
  }
  std::vector<adze::ConstTensorView> views;
  for (const int32_t i : inputs) {
    const PlanValue& v = ValueOf(*model, i);
    const std::string where = "input '" + v.name + "'";
    if (v.dtype != adze::DType::kFloat32) {
      return adze::Unsupported(where + " is " + adze::DTypeName(v.dtype) +
                               "; this interface has float32 only");
    }
    const adze_tensor* found = nullptr;
    for (int k = 0; k < num_given; ++k) {
      if (given[k].name != nullptr && v.name == given[k].name) found = &given[k];
    }
    if (found == nullptr) return InvalidInput(where + " was not given");
    if (found->rank < 0 || (found->rank > 0 && found->dims == nullptr)) {
      return UsageError(where + ": rank or dims are wrong");
    }
    const std::span<const int64_t> dims(found->dims, static_cast<size_t>(found->rank));
    const int64_t size = adze::NumElements(dims);
    if (size < 0) return InvalidInput(where + ": the dims are negative or too large");
    if (size > 0 && found->data == nullptr) return UsageError(where + ": data is null");
    views.push_back({adze::DType::kFloat32, dims, found->data});
  }
  model->has_run = false;
  ADZE_TRY(model->loaded.executor->Run(views));
  model->has_run = true;
  return OkStatus();
}

}  // namespace

const char* adze_version(void) { return ADZE_VERSION; }

const char* adze_last_error(void) { return last_error.c_str(); }

adze_code adze_model_load(const char* path, int threads, adze_model** model) {
  return Guard([&]() -> Status {
    if (path == nullptr || model == nullptr) return UsageError("path or model is null");
    if (threads < 0 || threads > kMaxThreads) {
      return UsageError("threads must lie between 0 and " + std::to_string(kMaxThreads));
    }
    auto loaded = std::make_unique<adze_model>();
    ADZE_ASSIGN(loaded->loaded, adze::LoadModel(path, threads));
    loaded->inputs = Describe(*loaded, loaded->loaded.plan->inputs);
    loaded->outputs = Describe(*loaded, loaded->loaded.plan->outputs);
    loaded->results.resize(loaded->outputs.size());
    *model = loaded.release();
    return OkStatus();
  });
}

void adze_model_free(adze_model* model) { delete model; }

int adze_model_num_inputs(const adze_model* model) {
  return model == nullptr ? 0 : static_cast<int>(model->inputs.size());
}

int adze_model_num_outputs(const adze_model* model) {
  return model == nullptr ? 0 : static_cast<int>(model->outputs.size());
}

adze_code adze_model_describe_input(const adze_model* model, int index, adze_tensor* tensor) {
  return DescribeOne(model, &adze_model::inputs, index, "input", tensor);
}

adze_code adze_model_describe_output(const adze_model* model, int index, adze_tensor* tensor) {
  return DescribeOne(model, &adze_model::outputs, index, "output", tensor);
}

adze_code adze_model_run(adze_model* model, const adze_tensor* inputs, int num_inputs) {
  return Guard([&] { return Run(model, inputs, num_inputs); });
}

adze_code adze_model_output(adze_model* model, int index, adze_tensor* tensor) {
  return Guard([&]() -> Status {
    ADZE_TRY(CheckPointers(model, tensor));
    const size_t i = static_cast<size_t>(index);
    ADZE_TRY(CheckIndex(index, model->results.size(), "output"));
    if (!model->has_run) return UsageError("nothing was run yet");
    model->results[i] = model->loaded.executor->ReadFloat(model->loaded.plan->outputs[i]);
    const adze::Tensor& y = model->results[i];
    *tensor = {model->outputs[i].name.c_str(), y.data<float>(), y.dims().data(),
               static_cast<int>(y.dims().size())};
    return OkStatus();
  });
}
