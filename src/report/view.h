// What the sections of the HTML report share: lookups by name and small pieces of markup.
#ifndef ADZE_REPORT_VIEW_H_
#define ADZE_REPORT_VIEW_H_

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "report/evidence.h"
#include "report/markup.h"

namespace adze::report {

// The evidence with its names indexed; of equal names the first counts. Must not outlive `e`.
struct View {
  explicit View(const Evidence& evidence);

  const Evidence& e;
  std::unordered_map<std::string_view, size_t> tensor, layer, node;
};

// Index under `name`, or -1.
int64_t Find(const std::unordered_map<std::string_view, size_t>& index, std::string_view name);
// Fragment identifiers: letters and a number, never a name of the file.
std::string Id(const char* kind, size_t index);

struct Column {
  const char* title;
  bool number = false;
  const char* hint = "";  // what it means; shown on hover
};
// Opens a scrolling frame and in it a table with its head, up to and with <tbody>; EndTable closes
// them. `label` names both to screen readers. Sortable tables get buttons from the script.
void BeginTable(Markup& m, std::string_view label, const std::vector<Column>& columns,
                bool sortable = false);
void EndTable(Markup& m);
// A right-aligned cell; `value` is what sorting goes by.
void NumberCell(Markup& m, Number value, std::string_view text, std::string_view more = {});

// A name from the file: shortened in the middle if long, whole on hover; a link if `href` is given.
void Name(Markup& m, std::string_view name, std::string_view href = {}, size_t max_characters = 60);
void Note(Markup& m, std::string_view text);
// "int8" or "float" in a coloured frame.
void PrecisionTag(Markup& m, Precision precision);

// "0.0123", or for channels "64 channels, 0.001 to 0.02"; "–" where the evidence does not say.
std::string ScaleText(const Tensor& tensor);
std::string ZeroPointText(const Tensor& tensor);

// One bar of a chart whose axis is 0 to 100; `kind` is a class of the style sheet.
struct Bar {
  double from, to;
  const char* kind;
  double y, height;
};
// A row of bars that stretches to the width it finds; `lines` have from = to (upright) or height 0.
// Hidden from screen readers: the number stands beside it.
void BarSvg(Markup& m, double height, const std::vector<Bar>& bars, const std::vector<Bar>& lines);
// Coordinates with two decimals.
std::string Coordinate(double x);

}  // namespace adze::report

#endif  // ADZE_REPORT_VIEW_H_
