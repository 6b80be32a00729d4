// The error of every layer: a plot along the network, and the table behind it. And the layers that
// stayed in float.
#include <algorithm>
#include <cmath>

#include "report/numbers.h"
#include "report/sections.h"

namespace adze::report {
namespace {

constexpr size_t kLayersPerPanel = 64;  // more would be too narrow to read; they go below
constexpr char kGain[] = "how much the output's SQNR rises when this layer alone is float";
constexpr double kHeight = 250, kTop = 22, kBottom = 218, kLeft = 44, kRightMargin = 44;

struct Series {
  const char* kind;
  const char* name;
  const char* meaning;
  Number Layer::*value;
};
constexpr Series kSeries[] = {
    {"own", "own", "error that this layer alone adds, on exact inputs", &Layer::own_sqnr_db},
    {"inherited", "inherited", "error that arrives with its inputs", &Layer::inherited_sqnr_db},
    {"total", "total", "both, as it is in the quantized network", &Layer::total_sqnr_db},
};

struct Scale {
  double low, high;  // dB, multiples of 10
  double Y(double db) const {
    const double clamped = std::clamp(db, low, high);
    return kBottom - (kBottom - kTop) * (clamped - low) / (high - low);
  }
};

// Of all finite values, held within -20 to 120 dB: beyond, differences mean nothing.
std::optional<Scale> ScaleOf(const std::vector<Layer>& layers) {
  double low = 120, high = -20;
  bool any = false;
  for (const Layer& l : layers) {
    for (const Series& s : kSeries) {
      const Number v = l.*s.value;
      if (!v) continue;
      any = true;
      if (!std::isfinite(*v)) continue;
      low = std::min(low, std::max(*v, -20.0));
      high = std::max(high, std::min(*v, 120.0));
    }
  }
  if (!any) return std::nullopt;
  if (low > high) low = 0, high = 60;  // nothing but infinities
  Scale scale = {std::floor(low / 10) * 10, std::ceil(high / 10) * 10};
  if (scale.high - scale.low < 20) scale.high = scale.low + 20;
  return scale;
}

void Marker(Markup& m, const char* kind, double x, double y) {
  const std::string c = std::string("mark ") + kind;
  if (kind == kSeries[1].kind) {  // a diamond: shape tells the series apart, not colour alone
    m.Void("path", {{"class", c},
                    {"d", "M" + Coordinate(x) + " " + Coordinate(y - 4) + "l4 4l-4 4l-4-4z"}});
  } else if (kind == kSeries[0].kind) {
    m.Void("rect", {{"class", c},
                    {"x", Coordinate(x - 3)},
                    {"y", Coordinate(y - 3)},
                    {"width", "6"},
                    {"height", "6"}});
  } else {
    m.Void("circle", {{"class", c}, {"cx", Coordinate(x)}, {"cy", Coordinate(y)}, {"r", "3.4"}});
  }
}

void Label(Markup& m, double x, double y, const char* anchor, const std::string& text) {
  m.Element("text", text, {{"x", Coordinate(x)}, {"y", Coordinate(y)}, {"text-anchor", anchor}});
}

void WritePanel(const std::vector<Layer>& layers, size_t first, size_t end, const Scale& scale,
                Markup& m) {
  const size_t n = end - first;
  const double step = std::max(13.0, (760 - kLeft - kRightMargin) / static_cast<double>(n));
  const double right = kLeft + step * static_cast<double>(n);
  const auto x = [&](size_t i) { return kLeft + step * (static_cast<double>(i - first) + 0.5); };
  const std::string label = "SQNR in decibels of layers " + std::to_string(first + 1) + " to " +
                            std::to_string(end) + "; the table below has the numbers";
  m.Open("div", {{"class", "wide"}, {"role", "group"}, {"tabindex", "0"}, {"aria-label", label}});
  m.Open("svg", {{"class", "plot"},
                 {"viewBox", "0 0 " + Coordinate(right + kRightMargin) + " " + Coordinate(kHeight)},
                 {"role", "img"},
                 {"aria-label", label}});
  for (size_t i = first; i < end; ++i) {
    if (layers[i].precision != Precision::kFloat) continue;
    m.Void("rect", {{"class", "band"},
                    {"x", Coordinate(x(i) - step / 2)},
                    {"y", Coordinate(kTop)},
                    {"width", Coordinate(step)},
                    {"height", Coordinate(kBottom - kTop)}});
  }
  const double tick = scale.high - scale.low > 80 ? 20 : 10;
  for (double db = scale.low; db <= scale.high; db += tick) {
    const double y = scale.Y(db);
    m.Void("path",
           {{"class", "grid"},
            {"d", "M" + Coordinate(kLeft) + " " + Coordinate(y) + "H" + Coordinate(right)}});
    for (const auto& [at, anchor] : {std::pair(kLeft - 6, "end"), std::pair(right + 6, "start")}) {
      Label(m, at, y + 4, anchor, Fixed(db, 0));
    }
  }
  Label(m, kLeft - 6, 10, "end", "dB");
  const size_t every = n <= 24 ? 1 : 5;
  for (size_t i = first; i < end; ++i) {
    if ((i + 1) % every == 0 || i == first) {
      Label(m, x(i), kBottom + 16, "middle", std::to_string(i + 1));
    }
  }
  Label(m, (kLeft + right) / 2, kHeight - 4, "middle", "layer, in order of execution");
  for (const Series& s : kSeries) {
    std::string path;
    bool pen_down = false;
    for (size_t i = first; i < end; ++i) {
      const Number v = layers[i].*s.value;
      if (v) path += (pen_down ? "L" : "M") + Coordinate(x(i)) + " " + Coordinate(scale.Y(*v));
      pen_down = v.has_value();
    }
    m.Void("path", {{"class", std::string("line ") + s.kind}, {"d", path}});
    for (size_t i = first; i < end; ++i) {
      if (const Number v = layers[i].*s.value; v) Marker(m, s.kind, x(i), scale.Y(*v));
    }
  }
  for (size_t i = first; i < end; ++i) {  // on top: where the pointer finds the numbers
    std::string text = std::to_string(i + 1) + ". " + Shorten(layers[i].name, 60);
    for (const Series& s : kSeries) {
      if (const Number v = layers[i].*s.value; v)
        text += "\n" + std::string(s.name) + " " + Decibels(v);
    }
    m.Open("rect", {{"class", "hover"},
                    {"x", Coordinate(x(i) - step / 2)},
                    {"y", Coordinate(kTop)},
                    {"width", Coordinate(step)},
                    {"height", Coordinate(kBottom - kTop)}});
    m.Element("title", text).Close();
  }
  m.Close().Close();
}

void WriteLegend(bool any_float, Markup& m) {
  m.Open("ul", {{"class", "legend"}});
  for (const Series& s : kSeries) {
    m.Open("li").Open("svg", {{"width", "28"}, {"height", "12"}, {"aria-hidden", "true"}});
    m.Void("path", {{"class", std::string("line ") + s.kind}, {"d", "M0 6H28"}});
    Marker(m, s.kind, 14, 6);
    m.Close().Element("b", s.name).Text(std::string(": ") + s.meaning).Close();
  }
  if (any_float) {
    m.Open("li").Open("svg", {{"width", "28"}, {"height", "12"}, {"aria-hidden", "true"}});
    m.Void("rect", {{"class", "band"}, {"width", "28"}, {"height", "12"}});
    m.Close().Text("layer that stayed in float").Close();
  }
  m.Close();
}

std::string Share(Number share) { return Percent(share, 2); }

void WriteLayerTable(const View& view, Markup& m) {
  const auto known = [&](Number Layer::*field) {
    return std::any_of(view.e.layers.begin(), view.e.layers.end(),
                       [&](const Layer& l) { return (l.*field).has_value(); });
  };
  struct NumberColumn {
    Column column;
    Number Layer::*value;
    std::string (*format)(Number);
  };
  std::vector<NumberColumn> numbers = {
      {{"MACs", true, "multiply-accumulates per sample"}, &Layer::macs, Count},
      {{"Parameters", true}, &Layer::parameters, Count},
      {{"Own", true, kSeries[0].meaning}, &Layer::own_sqnr_db, Decibels},
      {{"Inherited", true, kSeries[1].meaning}, &Layer::inherited_sqnr_db, Decibels},
      {{"Total", true, kSeries[2].meaning}, &Layer::total_sqnr_db, Decibels},
      {{"Gain if float", true, kGain}, &Layer::sensitivity_db, Decibels},
      {{"Clipped", true, "share of its output beyond the range"}, &Layer::clipped_share, Share},
      {{"Channels", true}, &Layer::channels, Count},
      {{"Outliers", true, "channels that reach 8 times as far as the middle one"},
       &Layer::outlier_channels,
       Count},
      {{"Dead", true, "channels that never change"}, &Layer::dead_channels, Count}};
  std::erase_if(numbers, [&](const NumberColumn& c) { return !known(c.value); });
  std::vector<Column> columns = {{"#", true}, {"Layer"}, {"Runs in"}};
  for (const NumberColumn& c : numbers) columns.push_back(c.column);
  m.Open("div", {{"data-filter", "Filter layers by name or operator"}});
  BeginTable(m, "Layers", columns, true);
  for (size_t i = 0; i < view.e.layers.size(); ++i) {
    const Layer& l = view.e.layers[i];
    const auto index = static_cast<double>(i + 1);
    m.Open("tr", {{"data-item", l.name + " " + l.op}});
    NumberCell(m, index, Fixed(index, 0));
    m.Open("td", {{"class", "name"}});
    const int64_t node = Find(view.node, l.name);
    const std::string link = node < 0 ? "" : "#" + Id("node", static_cast<size_t>(node));
    Name(m, l.name, link, 48);
    m.Element("span", Shorten(l.op, 40), {{"class", "more"}});
    m.Close();
    m.Open("td");
    PrecisionTag(m, l.precision);
    m.Close();
    for (const NumberColumn& c : numbers) NumberCell(m, l.*c.value, c.format(l.*c.value));
    m.Close();
  }
  EndTable(m);
  m.Close();
}

}  // namespace

void WriteErrorByLayer(const View& view, Markup& m) {
  const std::vector<Layer>& layers = view.e.layers;
  if (layers.empty()) return;
  const std::optional<Scale> scale = ScaleOf(layers);
  const bool any_float = std::any_of(layers.begin(), layers.end(), [](const Layer& l) {
    return l.precision == Precision::kFloat;
  });
  if (scale) {
    Note(m,
         "Signal to quantization noise of every layer's output against the float network; higher "
         "is better. Where “total” follows “inherited”, the layer passes on what went wrong "
         "before it; where “own” is the lowest, the layer itself is the cause.");
    WriteLegend(any_float, m);
    const size_t panels = (layers.size() + kLayersPerPanel - 1) / kLayersPerPanel;
    const size_t size = (layers.size() + panels - 1) / panels;  // all alike, for one scale
    for (size_t first = 0; first < layers.size(); first += size) {
      WritePanel(layers, first, std::min(first + size, layers.size()), *scale, m);
    }
  }
  m.Open("details",
         {{"open", layers.size() <= 24 ? std::string_view("open") : std::string_view()}});
  m.Element("summary", "All " + Count(static_cast<double>(layers.size())) + " layers as a table");
  WriteLayerTable(view, m);
  m.Close();
}

void WriteFloatLayers(const View& view, Markup& m) {
  const std::vector<Layer>& layers = view.e.layers;
  double all = 0, in_float = 0;
  std::vector<const Layer*> rows;
  for (const Layer& l : layers) {
    all += l.macs.value_or(0);
    if (l.precision != Precision::kFloat) continue;
    in_float += l.macs.value_or(0);
    rows.push_back(&l);
  }
  if (layers.empty()) return;
  if (rows.empty()) {
    m.Element("p", "None: every layer has an integer form and uses it.");
    return;
  }
  std::string sentence = Count(static_cast<double>(rows.size())) + " of " +
                         Count(static_cast<double>(layers.size())) + " layers stayed in float";
  if (all > 0)
    sentence += "; they hold " + Percent(in_float / all, 1) + " of the multiply-accumulates";
  m.Element("p", sentence + ".");
  BeginTable(m, "Layers in float",
             {{"Layer"},
              {"Why"},
              {"Gain", true, kGain},
              {"MACs", true, "multiply-accumulates per sample"},
              {"of all", true}},
             true);
  for (const Layer* l : rows) {
    m.Open("tr").Open("td", {{"class", "name"}});
    const int64_t node = Find(view.node, l->name);
    Name(m, l->name, node < 0 ? "" : "#" + Id("node", static_cast<size_t>(node)), 48);
    m.Element("span", Shorten(l->op, 40), {{"class", "more"}}).Close();
    m.Element("td", l->reason.empty() ? kUnknown : l->reason, {{"class", "wordy"}});
    NumberCell(m, l->sensitivity_db, Decibels(l->sensitivity_db));
    NumberCell(m, l->macs, Count(l->macs));
    const Number share = all > 0 && l->macs ? Number(*l->macs / all) : std::nullopt;
    NumberCell(m, share, Percent(share, 1));
    m.Close();
  }
  EndTable(m);
}

}  // namespace adze::report
