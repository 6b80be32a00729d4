// Writes markup that is well-formed by construction: text is escaped, tags are balanced, and every
// character is one that HTML and XML allow, whatever bytes a name in the evidence holds.
#ifndef ADZE_REPORT_MARKUP_H_
#define ADZE_REPORT_MARKUP_H_

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace adze::report {

// Valid UTF-8 without control characters: those, broken sequences, and the marks that reverse the
// direction of the text around them become U+FFFD.
std::string CleanText(std::string_view bytes);
// The same with & < > " ' as entities.
std::string EscapeMarkup(std::string_view bytes);
// CleanText with the middle cut out where it has more than `max_characters`.
std::string Shorten(std::string_view bytes, size_t max_characters);

class Markup {
 public:
  // Names are ours, values are escaped; an attribute whose value has null data() is left out.
  using Attribute = std::pair<std::string_view, std::string_view>;
  using Attributes = std::initializer_list<Attribute>;

  Markup& Open(std::string_view tag, Attributes attributes = {});
  Markup& Close();  // the innermost open tag
  Markup& Void(std::string_view tag, Attributes attributes = {});
  Markup& Text(std::string_view text);
  Markup& Element(std::string_view tag, std::string_view text, Attributes attributes = {});
  // Well-formed markup: constants of ours, and what Take returned.
  Markup& Raw(std::string_view markup);

  bool empty() const { return text_.empty(); }
  std::string Take();  // all tags must be closed

 private:
  void Tag(std::string_view tag, Attributes attributes);
  std::string text_;
  std::vector<std::string_view> open_;
};

}  // namespace adze::report

#endif  // ADZE_REPORT_MARKUP_H_
