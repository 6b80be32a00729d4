// adze doctor: what this machine gives adze, and what stands in its way.
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/cpu.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/subprocess.h"
#include "cli/command.h"
#include "cli/terminal.h"
#include "kernels/binary_i8/binary_i8.h"
#include "kernels/conv_i8/conv_i8.h"
#include "kernels/depthwise_i8/depthwise_i8.h"
#include "kernels/finish_i8/finish_i8.h"
#include "kernels/pool_i8/pool_i8.h"
#include "kernels/quantize/quantize.h"
#include "kernels/table_i8/table_i8.h"

namespace adze::cli {
namespace {

constexpr int64_t kLittleMemory = 512'000'000;
constexpr int64_t kLittleDisk = 256'000'000;
constexpr double kImportSeconds = 20;

struct DoctorCommand {
  CommonOptions common;
  std::string out = ".";
  std::string python = "python3";
};

struct Findings {
  Json report = Json::object();
  Json problems = Json::array();
  void Add(const std::string& what, const std::string& advice) {
    problems.push_back({{"problem", what}, {"advice", advice}});
  }
};

Json Text(const char* s) { return s == nullptr ? Json(nullptr) : Json(s); }

std::string Megabytes(const Json& bytes, const char* absent) {
  if (bytes.is_null()) return absent;
  return std::to_string(bytes.get<int64_t>() / 1000000) + " MB";
}

std::string CpuModel() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

// The ISA of the row that runs when the plan's ISA is `isa`.
template <typename Rows>
const char* Picked(const Rows& rows, Isa isa) {
  const char* name = "none";
  for (const auto& row : rows) {
    if (row.isa <= isa) name = IsaName(row.isa);
  }
  return name;
}

void CheckCpu(Findings* f) {
  Json features = Json::array();
  for (const CpuFeature& c : CpuFeatures()) {
    features.push_back({{"name", c.name}, {"present", c.present}, {"used", c.used}});
  }
  const char* const wanted = std::getenv("ADZE_ISA");
  const Result<Isa> chosen = ChooseIsa();
  const Isa isa = chosen.ok() ? *chosen : DetectIsa();
  f->report["cpu"] = {{"model", CpuModel()}, {"features", features}};
  f->report["isa"] = {{"best", IsaName(DetectIsa())},
                      {"used", chosen.ok() ? Json(IsaName(isa)) : Json(nullptr)},
                      {"adze_isa", Text(wanted)}};
  f->report["kernels"] = {
      {"conv_i8", Picked(ConvI8Rows(), isa)},     {"depthwise_i8", Picked(DepthwiseI8Rows(), isa)},
      {"binary_i8", Picked(BinaryI8Rows(), isa)}, {"pool_i8", Picked(PoolI8Rows(), isa)},
      {"table_i8", Picked(TableI8Rows(), isa)},   {"finish_i8", Picked(FinishI8Rows(), isa)},
      {"quantize", Picked(QuantizeRows(), isa)},  {"float", IsaName(isa)}};
  if (!chosen.ok()) {
    f->Add(chosen.status().message(), "unset ADZE_ISA, or set it to one of those named");
  } else if (isa < DetectIsa()) {
    f->Add("ADZE_ISA=" + std::string(wanted) + " keeps adze from using " + IsaName(DetectIsa()),
           "unset ADZE_ISA");
  } else if (isa == Isa::kGeneric) {
    f->Add(
        "this processor has no AVX2 with FMA: kernels run in portable C++, 10 to 30 times slower",
        "use a machine with AVX2, or enable it in the virtual machine's settings");
  }
}

void CheckThreads(Findings* f) {
  const CpuLimits cpus = ReadCpuLimits();
  f->report["threads"] = {{"online", cpus.online},
                          {"affinity", cpus.affinity},
                          {"cgroup_quota", cpus.quota > 0 ? Json(cpus.quota) : Json(nullptr)},
                          {"used", AvailableCpus()}};
  if (cpus.quota > 0 && cpus.quota < 1) {
    f->Add("the cgroup grants less than one processor", "raise its CPU limit to 1 or more");
  }
}

void CheckMemory(Findings* f) {
  const MemoryLimits m = ReadMemoryLimits();
  const auto limit = [](int64_t bytes) { return bytes > 0 ? Json(bytes) : Json(nullptr); };
  f->report["memory"] = {{"total_bytes", m.total_bytes},
                         {"available_bytes", m.available_bytes},
                         {"cgroup_limit_bytes", limit(m.cgroup_bytes)},
                         {"process_limit_bytes", limit(m.process_bytes)}};
  if (m.available_bytes < kLittleMemory) {
    f->Add(Megabytes(m.available_bytes, "") + " of memory are available",
           "end other programs, or raise the limit of the container or of ulimit -v");
  }
}

// Tries what every output file goes through.
void CheckFolder(const std::string& purpose, const std::string& option, const std::string& path,
                 Findings* f) {
  const std::string probe = path + "/.adze-doctor-" + std::to_string(::getpid());
  const Status written = WriteFileAtomic(probe, "adze doctor\n");
  std::remove(probe.c_str());
  std::error_code ec;
  const std::filesystem::space_info space = std::filesystem::space(path, ec);
  f->report["folders"].push_back(
      {{"purpose", purpose},
       {"path", path},
       {"writable", written.ok()},
       {"free_bytes", ec ? Json(nullptr) : Json(static_cast<int64_t>(space.available))}});
  if (!written.ok()) {
    f->Add("the " + purpose + " folder cannot be written: " + written.message(),
           "make it writable, or name another with " + option);
  } else if (!ec && static_cast<int64_t>(space.available) < kLittleDisk) {
    f->Add(
        "the " + purpose + " folder " + path + " has " + Megabytes(space.available, "") + " left",
        "free some space, or name another folder with " + option);
  }
}

// None of these is needed by adze itself.
void FindConsumers(const std::string& python, Findings* f) {
  const auto ask = [&](const std::string& program) {
    const auto line = FirstLineOf({python, "-c", program}, kImportSeconds);
    return line && !line->empty() ? Json(*line) : Json(nullptr);
  };
  const Json version = ask("import platform; print(platform.python_version())");
  f->report["python"] = {{"program", python}, {"version", version}};
  Json consumers = Json::array();
  for (const char* module : {"onnx", "onnxruntime", "openvino"}) {
    const std::string name = module;
    consumers.push_back({{"name", name},
                         {"version", version.is_null() ? Json(nullptr)
                                                       : ask("import " + name + "; print(" + name +
                                                             ".__version__)")}});
  }
  f->report["consumers"] = consumers;
}

void DescribeTerminal(Findings* f) {
  winsize size = {};
  const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  f->report["terminal"] = {
      {"stdout", IsTerminal(stdout)},      {"stderr", IsTerminal(stderr)},
      {"color", HasColor(stdout)},         {"columns", known ? Json(size.ws_col) : Json(nullptr)},
      {"term", Text(std::getenv("TERM"))}, {"no_color", Text(std::getenv("NO_COLOR"))}};
}

std::string Show(const Json& value, const char* absent) {
  if (value.is_null()) return absent;
  return value.is_string() ? value.get<std::string>() : value.dump();
}

void PrintText(const Findings& f) {
  const Json& r = f.report;
  const auto line = [](const char* heading, const std::string& text) {
    std::printf("%s%*s %s\n", Painted(heading, Paint::kHeading, stdout).c_str(),
                static_cast<int>(10 - std::string_view(heading).size()), "", text.c_str());
  };
  line("adze", r["version"]);
  std::string features;
  for (const Json& c : r["cpu"]["features"]) {
    features += (features.empty() ? "" : ", ") + c["name"].get<std::string>() +
                (!c["present"].get<bool>() ? " no"
                 : c["used"].get<bool>()   ? " yes"
                                           : " yes (not used)");
  }
  line("processor", r["cpu"]["model"]);
  line("", features);
  line("kernels", Show(r["isa"]["used"], "none: ADZE_ISA is wrong") + ", best of this machine " +
                      Show(r["isa"]["best"], "") + ", ADZE_ISA " +
                      Show(r["isa"]["adze_isa"], "unset"));
  for (const auto& [name, isa] : r["kernels"].items()) {
    line("", name + ": " + isa.get<std::string>());
  }
  const Json& t = r["threads"];
  line("threads", t["used"].dump() + " used of " + t["online"].dump() + ": affinity " +
                      t["affinity"].dump() + ", cgroup quota " + Show(t["cgroup_quota"], "none"));
  const Json& m = r["memory"];
  line("memory", Megabytes(m["available_bytes"], "") + " available of " +
                     Megabytes(m["total_bytes"], "") + ": cgroup limit " +
                     Megabytes(m["cgroup_limit_bytes"], "none") + ", process limit " +
                     Megabytes(m["process_limit_bytes"], "none"));
  for (const Json& d : r["folders"]) {
    line(d["purpose"].get<std::string>().c_str(),
         d["path"].get<std::string>() +
             (d["writable"].get<bool>() ? ", writable, " : ", not writable, ") +
             Megabytes(d["free_bytes"], "unknown") + " free");
  }
  line("python",
       r["python"]["program"].get<std::string>() + " " + Show(r["python"]["version"], "not found"));
  std::string consumers;
  for (const Json& c : r["consumers"]) {
    consumers += (consumers.empty() ? "" : ", ") + c["name"].get<std::string>() + " " +
                 Show(c["version"], "not found");
  }
  line("", consumers + " (optional)");
  line("terminal", std::string(r["terminal"]["stdout"].get<bool>() ? "yes" : "no") + ", color " +
                       (r["terminal"]["color"].get<bool>() ? "yes" : "no"));
  for (const Json& p : f.problems) {
    std::printf("%s %s: %s\n", Painted("problem", Paint::kWarning, stdout).c_str(),
                p["problem"].get<std::string>().c_str(), p["advice"].get<std::string>().c_str());
  }
  if (f.problems.empty()) {
    std::printf("%s\n", Painted("nothing stands in the way", Paint::kGood, stdout).c_str());
  }
}

Status Doctor(const DoctorCommand& o) {
  Findings f;
  f.report["version"] = ADZE_VERSION;
  CheckCpu(&f);
  CheckThreads(&f);
  CheckMemory(&f);
  const char* const temp = std::getenv("TMPDIR");
  CheckFolder("output", "--out", o.out, &f);
  CheckFolder("temporary", "TMPDIR", temp != nullptr && *temp != '\0' ? temp : "/tmp", &f);
  FindConsumers(o.python, &f);
  DescribeTerminal(&f);
  f.report["problems"] = f.problems;
  if (o.common.json) {
    PrintJson(f.report);
  } else {
    PrintText(f);
  }
  if (f.problems.empty()) return OkStatus();
  const size_t n = f.problems.size();
  return Status(StatusCode::kGateNotMet,
                "doctor found " + std::to_string(n) + (n == 1 ? " problem" : " problems"));
}

}  // namespace

void RegisterDoctor(CLI::App& app, Action* action) {
  auto o = std::make_shared<DoctorCommand>();
  CLI::App* c = app.add_subcommand("doctor", "check this machine: processor, limits, folders");
  c->add_option("--out", o->out, "folder to check for output files")->capture_default_str();
  c->add_option("--python", o->python, "Python to look for onnx, onnxruntime and openvino in")
      ->capture_default_str();
  AddJson(*c, &o->common);
  c->callback([o, action] { *action = [o] { return Doctor(*o); }; });
}

}  // namespace adze::cli
