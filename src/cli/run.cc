// adze run: one inference on tensors from .npy files.
#include <cstdio>
#include <map>
#include <set>

#include "base/file.h"
#include "cli/command.h"
#include "formats/npy/npy.h"

namespace adze::cli {
namespace {

struct RunOptions {
  CommonOptions common;
  std::string model;
  std::vector<std::string> inputs;
  std::string out;
};

// A file name for an output: what is not a letter, digit, '.', '-' or '_' becomes '_'.
std::string FileName(std::string name) {
  for (char& c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '.' && c != '-' && c != '_') c = '_';
  }
  return name + ".npy";
}

Status Run(const RunOptions& o) {
  std::map<std::string, Tensor> given;
  for (const std::string& item : o.inputs) {
    const size_t eq = item.find('=');
    if (eq == std::string::npos) {
      return UsageError("--input " + item + ": must be NAME=FILE.npy");
    }
    ADZE_ASSIGN(Tensor t, ReadNpy(item.substr(eq + 1)));
    if (!given.emplace(item.substr(0, eq), t).second) {
      return UsageError("--input " + item.substr(0, eq) + " is given twice");
    }
  }
  ADZE_ASSIGN(LoadedModel model, LoadNetwork(o.model, o.common.threads));
  std::vector<ConstTensorView> inputs;
  std::string names;
  for (int32_t i : model.plan->inputs) {
    const std::string& name = model.plan->values[static_cast<size_t>(i)].name;
    names += (names.empty() ? "" : ", ") + name;
    const auto it = given.find(name);
    if (it != given.end()) inputs.push_back(it->second.view());
  }
  if (inputs.size() != model.plan->inputs.size() || given.size() != inputs.size()) {
    return UsageError("--input must name each network input once: " + names);
  }
  ADZE_TRY(model.executor->Run(inputs).WithContext(o.model));
  if (!o.out.empty()) ADZE_TRY(MakeDirectories(o.out));
  std::set<std::string> files;
  for (int32_t i : model.plan->outputs) {
    const std::string& name = model.plan->values[static_cast<size_t>(i)].name;
    if (!o.out.empty() && !files.insert(FileName(name)).second) {
      return Unsupported("two outputs would be written to the file " + FileName(name));
    }
  }
  Json outputs = Json::array();
  for (int i = 0; i < model.executor->num_outputs(); ++i) {
    const ConstTensorView y = model.executor->output(i);
    const std::string& name =
        model.plan->values[static_cast<size_t>(model.plan->outputs[static_cast<size_t>(i)])].name;
    Json entry = {{"name", name},
                  {"dtype", DTypeName(y.dtype)},
                  {"shape", std::vector<int64_t>(y.dims.begin(), y.dims.end())}};
    if (!o.out.empty()) {
      const std::string path = o.out + "/" + FileName(name);
      ADZE_TRY(WriteNpy(path, y));
      entry["file"] = path;
    }
    if (!o.common.json) {
      std::printf("%s: %s%s%s\n", name.c_str(), DTypeName(y.dtype),
                  ShapeToString(Shape(y.dims.begin(), y.dims.end())).c_str(),
                  o.out.empty() ? "" : (" -> " + entry["file"].get<std::string>()).c_str());
    }
    outputs.push_back(std::move(entry));
  }
  if (o.common.json) PrintJson({{"outputs", outputs}});
  return OkStatus();
}

}  // namespace

void RegisterRun(CLI::App& app, Action* action) {
  auto o = std::make_shared<RunOptions>();
  CLI::App* c = app.add_subcommand("run", "run a network once on .npy inputs");
  c->add_option("model", o->model, "network (.onnx, .adzir or .adz)")->required();
  c->add_option("--input", o->inputs, "NAME=FILE.npy, once per network input");
  c->add_option("--out", o->out, "folder for one .npy per output; made if missing");
  AddThreads(*c, &o->common);
  AddJson(*c, &o->common);
  c->callback([o, action] { *action = [o] { return Run(*o); }; });
}

}  // namespace adze::cli
