#include "report/markup.h"

#include <cstdint>

#include "base/check.h"

namespace adze::report {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

bool IsAllowed(uint32_t c) {
  if (c < 0x20) return c == '\t' || c == '\n';
  if (c >= 0x7F && c < 0xA0) return false;                                   // control
  if (c >= 0x202A && c <= 0x202E) return false;                              // embed, override
  if (c >= 0x2066 && c <= 0x2069) return false;                              // isolate
  if (c >= 0xD800 && c <= 0xDFFF) return false;                              // surrogates
  if ((c >= 0xFDD0 && c <= 0xFDEF) || (c & 0xFFFE) == 0xFFFE) return false;  // no characters
  return c <= 0x10FFFF;
}

// Length in bytes of the character that starts at s[i], or 0 where no valid one does.
size_t CharacterLength(std::string_view s, size_t i) {
  const auto byte = [&](size_t k) { return static_cast<unsigned char>(s[k]); };
  const unsigned char first = byte(i);
  const size_t n = first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (n == 0 || first > 0xF4 || i + n > s.size()) return 0;
  uint32_t c = n == 1 ? first : first & (0x7F >> n);
  for (size_t k = 1; k < n; ++k) {
    if ((byte(i + k) & 0xC0) != 0x80) return 0;
    c = c << 6 | (byte(i + k) & 0x3F);
  }
  const bool overlong = (n == 3 && c < 0x800) || (n == 4 && c < 0x10000);
  return !overlong && IsAllowed(c) ? n : 0;
}

// Calls visit(character) for each character of the cleaned text.
template <typename Visit>
void ForEachCharacter(std::string_view s, Visit visit) {
  for (size_t i = 0; i < s.size();) {
    const size_t n = CharacterLength(s, i);
    visit(n == 0 ? kReplacement : s.substr(i, n));
    i += n == 0 ? 1 : n;
  }
}

}  // namespace

std::string CleanText(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  ForEachCharacter(bytes, [&](std::string_view c) { out += c; });
  return out;
}

std::string EscapeMarkup(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  ForEachCharacter(bytes, [&](std::string_view c) {
    switch (c.front()) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  });
  return out;
}

std::string Shorten(std::string_view bytes, size_t max_characters) {
  std::vector<std::string_view> characters;
  ForEachCharacter(bytes, [&](std::string_view c) { characters.push_back(c); });
  std::string out;
  const size_t n = characters.size();
  const size_t head = n <= max_characters ? n : max_characters / 2;
  for (size_t i = 0; i < head; ++i) out += characters[i];
  if (head == n) return out;
  out += "…";
  for (size_t i = n - (max_characters - head - 1); i < n; ++i) out += characters[i];
  return out;
}

void Markup::Tag(std::string_view tag, Attributes attributes) {
  text_ += '<';
  text_ += tag;
  for (const auto& [name, value] : attributes) {
    if (value.data() == nullptr) continue;
    text_ += ' ';
    text_ += name;
    text_ += "=\"";
    text_ += EscapeMarkup(value);
    text_ += '"';
  }
}

Markup& Markup::Open(std::string_view tag, Attributes attributes) {
  Tag(tag, attributes);
  text_ += '>';
  open_.push_back(tag);
  return *this;
}

Markup& Markup::Close() {
  ADZE_CHECK(!open_.empty());
  const std::string_view tag = open_.back();
  open_.pop_back();
  text_ += "</";
  text_ += tag;
  text_ += '>';
  // A line break where it cannot become a visible space keeps the file readable and diffable.
  for (std::string_view block : {"p", "tr", "table", "div", "section", "details", "svg", "li"}) {
    if (tag == block) text_ += '\n';
  }
  return *this;
}

Markup& Markup::Void(std::string_view tag, Attributes attributes) {
  Tag(tag, attributes);
  text_ += "/>";
  return *this;
}

Markup& Markup::Text(std::string_view text) {
  text_ += EscapeMarkup(text);
  return *this;
}

Markup& Markup::Element(std::string_view tag, std::string_view text, Attributes attributes) {
  return Open(tag, attributes).Text(text).Close();
}

Markup& Markup::Raw(std::string_view markup) {
  text_ += markup;
  return *this;
}

std::string Markup::Take() {
  ADZE_CHECK(open_.empty());
  return std::move(text_);
}

}  // namespace adze::report
