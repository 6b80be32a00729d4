// The text form of a graph (.adzir): what tests are written in and `adze inspect --text` prints.
//
//   graph "name" {
//     input %x : float32[N,3,8,8]
//     const %w : float32[4,3,1,1] = [0.5, -1, ...]          // all elements, or one in `splat(0.5)`
//     const %wq : float32[4,3,1,1] quant(int8, axis=0, scale=[...], zero_point=[0,0,0,0]) = [1, 2,
//     ...] %y = Conv(%x, %w, _) {kernel_shape=[1,1], pads=[0,0,0,0]} "node name" : float32[N,4,8,8]
//     %a, %b = Split(%y) {axis=1}
//     %z = com.microsoft.QGelu(%a)
//     %r = If(%c) { then_branch = region () { ... output %t } , else_branch = region () { ... } }
//     output %y
//   }
//
// `_` is an omitted optional input. Names are [A-Za-z0-9_./:-]+, or quoted with \" and \\ escapes
// when they hold anything else: %"a b". The type after ':' is optional for node outputs: the parser
// infers it and refuses a contradiction. `quant(...)` after a type gives the QuantType;
// `origins("a", "b")` after that, other names. Floats print with the fewest digits that read back
// the same, so printing and parsing is the identity on numbers (NaN keeps no payload). Attribute
// values: integers, floats (with '.', 'e', inf or nan), "strings", lists in [], tensors as
// `float32[2] = [1, 2]` in parentheses. An empty list needs its kind: ints[], floats[], strings[].
// Of the metadata only the graph's name is in the text; doc strings, properties and the notes of an
// ONNX file are not. `//` starts a comment.
#ifndef ADZE_IR_TEXT_H_
#define ADZE_IR_TEXT_H_

#include <string>
#include <string_view>

#include "ir/graph.h"

namespace adze {

struct PrintOptions {
  int64_t max_elements = INT64_MAX;  // constants with more print as `...` (not parseable)
};
std::string PrintGraph(const Graph& graph, const PrintOptions& options = {});

// The graph is inferred and verified. Errors of the text name line and column. Input is hostile:
// depth, sizes and counts are bounded.
Result<Graph> ParseGraph(std::string_view text);
// Of a file; errors name it.
Result<Graph> ReadGraphFile(const std::string& path);

}  // namespace adze

#endif  // ADZE_IR_TEXT_H_
