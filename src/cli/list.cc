// adze list: what this build has, from the same lists that dispatch uses.
#include <cstdio>

#include "calib/observers/observer.h"
#include "cli/command.h"
#include "eval/metric.h"
#include "numerics/number_format.h"
#include "ops/op_def.h"
#include "passes/pass.h"
#include "runtime/family.h"
#include "targets/target.h"

namespace adze::cli {
namespace {

struct Item {
  std::string name;
  std::string summary;
};

// "4 bits + 0.5 for scales, -6 to 6: FP4 …".
Item Describe(const NumberFormat& f) {
  std::string text = std::to_string(f.bits) + (f.bits == 1 ? " bit" : " bits");
  char number[48];
  if (f.block_size > 0) {
    std::snprintf(number, sizeof(number), " + %g for scales",
                  static_cast<double>(f.scale_bits()) / static_cast<double>(f.block_size));
    text += number;
  }
  if (!f.learned) {
    const std::vector<float> numbers = NumbersOf(f);
    std::snprintf(number, sizeof(number), ", %g to %g", double{numbers.front()},
                  double{numbers.back()});
    text += number;
  }
  return {f.name, text + ": " + f.summary};
}

std::vector<Item> Items(const std::string& what) {
  std::vector<Item> items;
  if (what == "ops") {
    for (const OpDef* d : AllOps()) {
      items.push_back({OpType::Intern(d->domain, d->name).ToString(), d->summary});
    }
  } else if (what == "passes") {
    for (const PassDef* d : AllPasses()) items.push_back({d->name, d->summary});
  } else if (what == "observers") {
    for (const ObserverDef* d : AllObservers()) items.push_back({d->name, d->summary});
  } else if (what == "metrics") {
    for (const MetricDef* d : AllMetrics()) items.push_back({d->name, d->doc});
  } else if (what == "targets") {
    for (const TargetDef* d : AllTargets()) items.push_back({d->name, d->summary});
  } else if (what == "kernels") {
    for (const FamilyDef* d : AllFamilies()) items.push_back({d->name, d->summary});
  } else if (what == "formats") {
    for (const NumberFormat* f : AllNumberFormats()) items.push_back(Describe(*f));
    for (int bits = 8; bits >= 2; --bits) {
      const DType t = IntegerOf(bits, false);
      items.push_back({DTypeName(t), std::to_string(bits) + " bits, 0 to " +
                                         std::to_string(RangeOf(t).max) + ": activations"});
    }
  } else {
    items = {{".onnx", "networks, opset 7 to 25 read, 13 to 21 written; float, Q/DQ and QOperator"},
             {".adzir", "networks as text"},
             {".adz", "plans: packed weights and kernel calls, mapped and run in place"},
             {".encodings.json", "quantization decisions (docs/encodings.md)"},
             {".safetensors", "long arrays of encodings, statistics"},
             {".npy .npz", "arrays"},
             {".jpg .png", "images"},
             {"idx, CIFAR binary", "labelled images, plain or gzip"}};
  }
  return items;
}

}  // namespace

void RegisterList(CLI::App& app, Action* action) {
  auto common = std::make_shared<CommonOptions>();
  auto what = std::make_shared<std::string>();
  CLI::App* c = app.add_subcommand(
      "list",
      "list operators, passes, observers, number formats, files, kernels, metrics or targets");
  c->add_option("what", *what,
                "ops, passes, observers, formats, files, kernels, metrics or targets")
      ->required()
      ->check(CLI::IsMember(
          {"ops", "passes", "observers", "formats", "files", "kernels", "metrics", "targets"}));
  AddJson(*c, common.get());
  c->callback([=] {
    *action = [=] {
      Json list = Json::array();
      for (const Item& i : Items(*what)) {
        list.push_back({{"name", i.name}, {"summary", i.summary}});
        if (!common->json) std::printf("%-32s %s\n", i.name.c_str(), i.summary.c_str());
      }
      if (common->json) PrintJson({{*what, list}});
      return OkStatus();
    };
  });
}

}  // namespace adze::cli
