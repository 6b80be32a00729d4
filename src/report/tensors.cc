// Values of every tensor as calibration saw them, and the range that was chosen for the integers.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "report/numbers.h"
#include "report/sections.h"

namespace adze::report {
namespace {

constexpr size_t kShownAtOnce = 6;
constexpr size_t kMaxBars = 80;
constexpr double kWidth = 240, kHeight = 64;

// Neighbouring bins added up until at most kMaxBars are left.
std::vector<double> Coarsen(const std::vector<double>& counts) {
  const size_t factor = (counts.size() + kMaxBars - 1) / kMaxBars;
  std::vector<double> out;
  for (size_t i = 0; i < counts.size(); i += factor) {
    const size_t end = std::min(i + factor, counts.size());
    out.push_back(std::accumulate(counts.begin() + static_cast<ptrdiff_t>(i),
                                  counts.begin() + static_cast<ptrdiff_t>(end), 0.0));
  }
  return out;
}

// What calibration saw, as a line over the axis of another histogram.
template <class X>
void WriteOutline(const Histogram& h, const X& x, Markup& m) {
  const double most = *std::max_element(h.counts.begin(), h.counts.end());
  const double bin = (h.high - h.low) / static_cast<double>(h.counts.size());
  std::string path;
  for (size_t i = 0; i < h.counts.size(); ++i) {
    const double from = h.low + bin * static_cast<double>(i);
    const double y = kHeight - (kHeight - 4) * std::log1p(h.counts[i]) / std::log1p(most);
    path += (path.empty() ? "M" : "L") + Coordinate(x(from)) + " " + Coordinate(y) + "H" +
            Coordinate(x(from + bin));
  }
  if (most > 0) m.Void("path", {{"class", "then"}, {"d", path}});
}

void WriteHistogram(const Tensor& t, Markup& m) {
  const Histogram& h = t.histogram;
  const std::vector<double> bars = Coarsen(h.counts);
  const double most = *std::max_element(bars.begin(), bars.end());
  // The last coarse bar may hold fewer bins than the others: its width is theirs all the same.
  const size_t factor = (h.counts.size() + kMaxBars - 1) / kMaxBars;
  const double bin =
      (h.high - h.low) / static_cast<double>(h.counts.size()) * static_cast<double>(factor);
  const bool range = t.min && t.max && std::isfinite(*t.min) && std::isfinite(*t.max);
  const Histogram& then = t.calibration_histogram;
  double low = std::min(h.low, range ? *t.min : h.low);
  double high = std::max(h.low + bin * static_cast<double>(bars.size()), range ? *t.max : h.high);
  if (!then.counts.empty()) {
    low = std::min(low, then.low);
    high = std::max(high, then.high);
  }
  const auto x = [&](double v) { return kWidth * (v - low) / (high - low); };
  std::string inside, outside;
  for (size_t i = 0; i < bars.size(); ++i) {
    if (bars[i] <= 0) continue;
    const double from = h.low + bin * static_cast<double>(i);
    const double middle = from + bin / 2;
    const double height = (kHeight - 4) * std::log1p(bars[i]) / std::log1p(most);
    std::string& path = range && (middle < *t.min || middle > *t.max) ? outside : inside;
    path += "M" + Coordinate(x(from)) + " " + Coordinate(kHeight) + "v" +
            Coordinate(-std::max(height, 1.0)) + "h" + Coordinate(x(from + bin) - x(from)) + "V" +
            Coordinate(kHeight) + "z";
  }
  m.Open("svg", {{"class", "histogram"},
                 {"viewBox", "0 0 " + Coordinate(kWidth) + " " + Coordinate(kHeight)},
                 {"preserveAspectRatio", "none"},
                 {"role", "img"},
                 {"aria-label", "Histogram from " + Significant(h.low) + " to " +
                                    Significant(h.high) + ", logarithmic counts"}});
  if (range) {
    m.Void("rect", {{"class", "chosen"},
                    {"x", Coordinate(x(*t.min))},
                    {"y", "0"},
                    {"width", Coordinate(x(*t.max) - x(*t.min))},
                    {"height", Coordinate(kHeight)}});
  }
  if (!inside.empty()) m.Void("path", {{"class", "inside"}, {"d", inside}});
  if (!outside.empty()) m.Void("path", {{"class", "outside"}, {"d", outside}});
  if (!then.counts.empty()) WriteOutline(then, x, m);
  if (range) {
    m.Void("path", {{"class", "edge"},
                    {"d", "M" + Coordinate(x(*t.min)) + " 0V" + Coordinate(kHeight) + "M" +
                              Coordinate(x(*t.max)) + " 0V" + Coordinate(kHeight)}});
  }
  m.Close();
  m.Open("p", {{"class", "ends"}, {"aria-hidden", "true"}});
  m.Element("span", Significant(low)).Element("span", Significant(high)).Close();
}

void Fact(Markup& m, const char* what, const std::string& text) {
  if (!text.empty()) m.Open("div").Element("dt", what).Element("dd", text).Close();
}

std::string RangeText(Number low, Number high) {
  return low && high ? Significant(*low) + " to " + Significant(*high) : "";
}

void WriteCard(const Tensor& t, size_t index, Markup& m) {
  m.Open("div", {{"class", "card"}, {"id", Id("tensor", index)}, {"data-item", t.name}});
  m.Open("h4");
  Name(m, t.name, {}, 70);
  m.Close();
  const std::vector<double>& counts = t.histogram.counts;
  if (std::any_of(counts.begin(), counts.end(), [](double c) { return c > 0; })) {
    WriteHistogram(t, m);
  }
  m.Open("dl", {{"class", "facts"}});
  Fact(m, "chosen range", RangeText(t.min, t.max));
  Fact(m, "observed", RangeText(t.observed_min, t.observed_max));
  if (t.clipped_share) Fact(m, "outside, clipped", Percent(t.clipped_share, 3));
  Fact(m, "scale", ScaleText(t));
  Fact(m, "zero point", ZeroPointText(t));
  Fact(m, "stored as", CleanText(t.storage));
  if (!t.weight) Fact(m, "range chosen by", CleanText(t.observer));
  m.Close().Close();
}

void WriteGroup(const View& view, bool weights, Markup& m) {
  const std::vector<Tensor>& tensors = view.e.tensors;
  std::vector<size_t> order;
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i].weight == weights) order.push_back(i);
  }
  if (order.empty()) return;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return tensors[a].clipped_share.value_or(-1) > tensors[b].clipped_share.value_or(-1);
  });
  const char* const what = weights ? "weights" : "activations";
  m.Open("div", {{"data-filter", std::string("Filter ") + what + " by name"}});
  m.Element("h3", std::string(weights ? "Weights" : "Activations") + " (" +
                      Count(static_cast<double>(order.size())) + ")");
  const size_t shown = order.size() <= kShownAtOnce + 3 ? order.size() : kShownAtOnce;
  m.Open("div", {{"class", "cards"}});
  for (size_t k = 0; k < shown; ++k) WriteCard(tensors[order[k]], order[k], m);
  m.Close();
  if (shown < order.size()) {
    m.Open("details").Element("summary",
                              Count(static_cast<double>(order.size() - shown)) + " more " + what);
    m.Open("div", {{"class", "cards"}});
    for (size_t k = shown; k < order.size(); ++k) WriteCard(tensors[order[k]], order[k], m);
    m.Close().Close();
  }
  m.Close();
}

}  // namespace

void WriteTensors(const View& view, Markup& m) {
  if (view.e.tensors.empty()) return;
  Note(m,
       "Shaded: the range that the integer codes cover, between the two lines. Values outside "
       "(orange) are clipped to its ends: a narrower range rounds the rest more finely. Heights "
       "are logarithmic, so that rare large values can be seen. Those that lose the largest "
       "share come first. A code q stands for scale × (q − zero point).");
  if (std::any_of(view.e.tensors.begin(), view.e.tensors.end(),
                  [](const Tensor& t) { return !t.calibration_histogram.counts.empty(); })) {
    Note(m, "The line is what calibration saw, to its own scale of counts.");
  }
  WriteGroup(view, false, m);
  WriteGroup(view, true, m);
}

}  // namespace adze::report
