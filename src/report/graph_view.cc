// The network as a list in order of execution with its edges drawn beside it, like the history of a
// version control system: it stays readable with hundreds of nodes, on a phone and in print.
#include <algorithm>

#include "report/numbers.h"
#include "report/sections.h"

namespace adze::report {
namespace {

// Edges beyond so many side by side are not drawn: keeps the page linear in the size of the file.
constexpr size_t kMaxLanes = 10;
constexpr double kRowHeight = 32, kLaneWidth = 14, kFirstLane = 10;

double LaneX(size_t lane) { return kFirstLane + kLaneWidth * static_cast<double>(lane); }

// What is drawn beside one row. A lane holds one tensor from its producer to its last reader.
struct Rail {
  size_t at = 0;                       // lane of the node
  std::vector<size_t> in, out;         // lanes to and from the node
  std::vector<size_t> through, below;  // lanes that pass by; lanes alive under the row
};

struct Row {
  const GraphNode* node;  // null: an input or output of the network
  std::string_view name;
  std::vector<std::string_view> inputs, outputs;  // each tensor once
  Rail rail;
};

std::vector<Row> RowsOf(const Evidence& e) {
  std::vector<Row> rows;
  const auto once = [](const std::vector<std::string>& names) {
    std::vector<std::string_view> out;
    for (const std::string& n : names) {
      if (!n.empty()) out.push_back(n);
    }
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
  };
  for (const std::string& n : e.graph_inputs) rows.push_back({nullptr, n, {}, {n}, {}});
  for (const GraphNode& n : e.nodes) {
    rows.push_back({&n, n.name, once(n.inputs), once(n.outputs), {}});
  }
  for (const std::string& n : e.graph_outputs) rows.push_back({nullptr, n, {n}, {}, {}});
  return rows;
}

// Gives tensors lanes from top to bottom. An input that no row above produces (a weight, or an edge
// of a file that is not in order of execution) gets no edge. Returns the number of lanes used.
size_t AssignLanes(std::vector<Row>& rows) {
  std::unordered_map<std::string_view, size_t> readers;
  {
    std::unordered_map<std::string_view, bool> produced;
    for (const Row& row : rows) {
      for (std::string_view t : row.inputs) {
        if (produced.contains(t)) ++readers[t];
      }
      for (std::string_view t : row.outputs) produced[t] = true;
    }
  }
  std::unordered_map<std::string_view, size_t> lane_of;
  bool busy[kMaxLanes] = {};
  const auto free_lane = [&] {
    return static_cast<size_t>(std::find(busy, busy + kMaxLanes, false) - busy);
  };
  size_t used = 1;
  for (Row& row : rows) {
    Rail& rail = row.rail;
    const std::vector<bool> before(busy, busy + kMaxLanes);
    bool placed = false;
    for (std::string_view t : row.inputs) {
      const auto lane = lane_of.find(t);
      const auto left = readers.find(t);
      if (left == readers.end()) continue;
      const bool last = left->second == 0 || --left->second == 0;
      if (lane == lane_of.end()) continue;
      const size_t l = lane->second;
      rail.in.push_back(l);
      if (!last) continue;
      busy[l] = false;
      if (!placed || l < rail.at) rail.at = l;
      placed = true;
      lane_of.erase(lane);
    }
    if (!placed) rail.at = std::min(free_lane(), kMaxLanes - 1);
    for (size_t l = 0; l < kMaxLanes; ++l) {
      if (before[l] && busy[l]) rail.through.push_back(l);
    }
    bool first = true;
    for (std::string_view t : row.outputs) {
      const auto left = readers.find(t);
      if (left == readers.end() || left->second == 0 || lane_of.contains(t)) continue;
      const size_t l = first && !busy[rail.at] ? rail.at : free_lane();
      first = false;
      if (l == kMaxLanes) continue;
      busy[l] = true;
      lane_of[t] = l;
      rail.out.push_back(l);
    }
    for (size_t l = 0; l < kMaxLanes; ++l) {
      if (busy[l]) rail.below.push_back(l);
      if (busy[l] || before[l] || l == rail.at) used = std::max(used, l + 1);
    }
  }
  return used;
}

void WriteRail(const Row& row, size_t lanes, Markup& m) {
  const Rail& r = row.rail;
  const std::string width = Coordinate(LaneX(lanes - 1) + kFirstLane);
  const std::string height = Coordinate(kRowHeight);
  const std::string middle = Coordinate(kRowHeight / 2);
  const std::string at = Coordinate(LaneX(r.at));
  std::string d;
  for (size_t l : r.through) d += "M" + Coordinate(LaneX(l)) + " 0V" + height;
  for (size_t l : r.in) {
    const std::string x = Coordinate(LaneX(l));
    d += "M" + x + " 0C" + x + " 12 " + at + " 4 " + at + " " + middle;
  }
  for (size_t l : r.out) {
    const std::string x = Coordinate(LaneX(l));
    d += "M" + at + " " + middle + "C" + at + " 28 " + x + " 20 " + x + " " + height;
  }
  m.Open("div", {{"class", "rail"}, {"aria-hidden", "true"}});
  m.Open("svg", {{"width", width}, {"height", height}});
  if (!d.empty()) m.Void("path", {{"class", "edge"}, {"d", d}});
  if (row.node == nullptr) {
    m.Void("rect", {{"class", "port"},
                    {"x", Coordinate(LaneX(r.at) - 4.5)},
                    {"y", "11.5"},
                    {"width", "9"},
                    {"height", "9"}});
  } else {
    const char* const kind = row.node->precision == Precision::kInt8    ? "dot int8"
                             : row.node->precision == Precision::kFloat ? "dot float"
                                                                        : "dot";
    m.Void("circle", {{"class", kind}, {"cx", at}, {"cy", middle}, {"r", "5"}});
  }
  m.Close();
  std::string below;
  for (size_t l : r.below) below += "M" + Coordinate(LaneX(l)) + " 0V1";
  if (!below.empty() && row.node != nullptr) {  // grows with the row when it is opened
    m.Open("svg", {{"class", "stretch"},
                   {"width", width},
                   {"viewBox", "0 0 " + width + " 1"},
                   {"preserveAspectRatio", "none"}});
    m.Void("path", {{"class", "edge"}, {"d", below}}).Close();
  }
  m.Close();
}

void TensorRow(const View& view, const std::string& role, const std::string& name, Markup& m) {
  if (name.empty()) return;  // an optional input that is not given
  const int64_t index = Find(view.tensor, name);
  m.Open("tr").Element("th", role, {{"scope", "row"}});
  m.Open("td", {{"class", "name"}});
  const std::string link = index < 0 ? "" : "#" + Id("tensor", static_cast<size_t>(index));
  Name(m, name, link, 60);
  m.Close();
  if (index < 0) {
    m.Element("td", "no quantization parameters", {{"colspan", "4"}, {"class", "soft"}}).Close();
    return;
  }
  const Tensor& t = view.e.tensors[static_cast<size_t>(index)];
  m.Element("td", t.storage.empty() ? kUnknown : t.storage);
  m.Element("td", ScaleText(t), {{"class", "num"}});
  m.Element("td", ZeroPointText(t), {{"class", "num"}});
  const bool range = t.min && t.max;
  m.Element("td", range ? Significant(*t.min) + " to " + Significant(*t.max) : kUnknown,
            {{"class", "num"}});
  m.Close();
}

void LayerLine(const Layer& l, Markup& m) {
  std::string text;
  const auto add = [&](const char* what, const Number& n, std::string (*format)(Number)) {
    if (n) text += (text.empty() ? "" : " · ") + std::string(what) + " " + format(n);
  };
  add("MACs", l.macs, Count);
  add("SQNR own", l.own_sqnr_db, Decibels);
  add("inherited", l.inherited_sqnr_db, Decibels);
  add("total", l.total_sqnr_db, Decibels);
  add("time before", l.latency_us_before, Microseconds);
  add("after", l.latency_us_after, Microseconds);
  if (!text.empty()) m.Element("p", text);
  if (!l.reason.empty()) m.Element("p", "In float because: " + l.reason);
}

void WriteNode(const View& view, const GraphNode& node, size_t index, Markup& m) {
  m.Open("details").Open("summary");
  Name(m, node.name, {}, 56);
  m.Element("span", Shorten(node.op, 30), {{"class", "op"}});
  PrecisionTag(m, node.precision);
  m.Close();
  m.Open("div", {{"class", "body"}, {"id", Id("node", index)}});
  if (CleanText(node.name).size() > 56) m.Open("p").Element("code", node.name).Close();
  if (const int64_t l = Find(view.layer, node.name); l >= 0) {
    LayerLine(view.e.layers[static_cast<size_t>(l)], m);
  }
  BeginTable(
      m, "Tensors of " + Shorten(node.name, 60),
      {{""}, {"Tensor"}, {"Stored as"}, {"Scale", true}, {"Zero point", true}, {"Range", true}});
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    TensorRow(view, "input " + std::to_string(i), node.inputs[i], m);
  }
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    TensorRow(view, "output " + std::to_string(i), node.outputs[i], m);
  }
  EndTable(m);
  m.Close().Close();
}

}  // namespace

void WriteGraph(const View& view, Markup& m) {
  if (view.e.nodes.empty()) return;
  Note(m,
       "Every node in order of execution; the lines are tensors, from the node that makes them "
       "to those that read them. A node opens to the quantization parameters of its tensors.");
  std::vector<Row> rows = RowsOf(view.e);
  const size_t lanes = AssignLanes(rows);
  m.Open("details", {{"open", "open"}});
  m.Element("summary", Count(static_cast<double>(view.e.nodes.size())) + " nodes");
  m.Open("div", {{"data-filter", "Filter nodes by name or operator"}, {"data-expand", "yes"}});
  m.Open("div", {{"class", "graph"},
                 {"role", "group"},
                 {"tabindex", "0"},
                 {"aria-label", "Nodes of the network"}});
  size_t index = 0;
  bool above = true;
  for (const Row& row : rows) {
    const bool node = row.node != nullptr;
    above = above && !node;
    m.Open("div", {{"class", "node"},
                   {"data-item", std::string(row.name) + (node ? " " + row.node->op : "")}});
    WriteRail(row, lanes, m);
    if (node) {
      WriteNode(view, *row.node, index++, m);
    } else {
      m.Open("p", {{"class", "port"}}).Text(above ? "input " : "output ");
      Name(m, row.name);
      m.Close();
    }
    m.Close();
  }
  m.Close().Close().Close();
}

}  // namespace adze::report
