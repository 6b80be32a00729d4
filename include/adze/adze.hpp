// adze from C++: the functions of adze.h with ownership, vectors and exceptions.
#ifndef ADZE_ADZE_HPP_
#define ADZE_ADZE_HPP_

#include <adze/adze.h>

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace adze {

// What adze_last_error() said, with its adze_code.
class Error : public std::runtime_error {
 public:
  explicit Error(adze_code code) : std::runtime_error(adze_last_error()), code_(code) {}
  adze_code code() const { return code_; }

 private:
  adze_code code_;
};

// Dense float32 values, row-major.
struct NamedTensor {
  std::string name;
  std::vector<int64_t> dims;
  std::vector<float> data;  // empty in descriptions
};

// One run at a time. Every function throws Error where that of adze.h fails.
class Model {
 public:
  explicit Model(const std::string& path, int threads = 0) {
    adze_model* model = nullptr;
    Check(adze_model_load(path.c_str(), threads, &model));
    model_.reset(model);
  }

  // Declared shapes; a free dimension is -1.
  std::vector<NamedTensor> inputs() const {
    return Describe(adze_model_num_inputs(model_.get()), adze_model_describe_input);
  }
  std::vector<NamedTensor> outputs() const {
    return Describe(adze_model_num_outputs(model_.get()), adze_model_describe_output);
  }

  // All outputs in the order of the file. Throws std::invalid_argument where the data of a tensor
  // do not fill its dims.
  std::vector<NamedTensor> Run(const std::vector<NamedTensor>& inputs) {
    std::vector<adze_tensor> views;
    for (const NamedTensor& t : inputs) {
      int64_t size = 1;
      for (const int64_t d : t.dims) size *= d;
      if (size < 0 || static_cast<std::size_t>(size) != t.data.size()) {
        throw std::invalid_argument("tensor '" + t.name + "': the data do not fill the dims");
      }
      views.push_back(
          {t.name.c_str(), t.data.data(), t.dims.data(), static_cast<int>(t.dims.size())});
    }
    Check(adze_model_run(model_.get(), views.data(), static_cast<int>(views.size())));
    std::vector<NamedTensor> results;
    for (int i = 0; i < adze_model_num_outputs(model_.get()); ++i) {
      adze_tensor y;
      Check(adze_model_output(model_.get(), i, &y));
      NamedTensor result = Named(y);
      std::size_t size = 1;
      for (const int64_t d : result.dims) size *= static_cast<std::size_t>(d);
      result.data.assign(y.data, y.data + size);
      results.push_back(std::move(result));
    }
    return results;
  }

 private:
  static void Check(adze_code code) {
    if (code != ADZE_OK) throw Error(code);
  }
  static NamedTensor Named(const adze_tensor& t) {
    return {t.name, std::vector<int64_t>(t.dims, t.dims + t.rank), {}};
  }
  std::vector<NamedTensor> Describe(int count, adze_code (*describe)(const adze_model*, int,
                                                                     adze_tensor*)) const {
    std::vector<NamedTensor> list;
    for (int i = 0; i < count; ++i) {
      adze_tensor t;
      Check(describe(model_.get(), i, &t));
      list.push_back(Named(t));
    }
    return list;
  }

  struct Free {
    void operator()(adze_model* model) const { adze_model_free(model); }
  };
  std::unique_ptr<adze_model, Free> model_;
};

}  // namespace adze

#endif  // ADZE_ADZE_HPP_
