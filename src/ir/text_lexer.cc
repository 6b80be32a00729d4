#include "ir/text_lexer.h"

#include <algorithm>

namespace adze {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsAlpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool IsNameChar(char c) {
  return IsAlpha(c) || IsDigit(c) || c == '.' || c == '/' || c == ':' || c == '-';
}

}  // namespace

Status Lexer::ErrorAt(size_t offset, std::string message) const {
  const std::string_view before = text_.substr(0, offset);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const size_t newline = before.rfind('\n');
  const size_t column = offset - (newline == std::string_view::npos ? 0 : newline + 1) + 1;
  return InvalidInput("line " + std::to_string(line) + ", column " + std::to_string(column) + ": " +
                      std::move(message));
}

void Lexer::SkipSpace() {
  while (pos_ < text_.size()) {
    if (std::string_view(" \t\r\n").find(text_[pos_]) != std::string_view::npos) {
      ++pos_;
    } else if (text_.substr(pos_, 2) == "//") {
      pos_ = std::min(text_.find('\n', pos_), text_.size());
    } else {
      return;
    }
  }
}

Result<std::string> Lexer::ReadQuoted() {
  const size_t start = pos_++;
  std::string out;
  while (pos_ < text_.size() && text_[pos_] != '"') {
    if (text_[pos_] == '\\') {
      ++pos_;
      if (pos_ == text_.size() || (text_[pos_] != '"' && text_[pos_] != '\\')) {
        return ErrorAt(std::min(pos_, text_.size()), "only \\\" and \\\\ may follow a backslash");
      }
    }
    out += text_[pos_++];
  }
  if (pos_ == text_.size()) return ErrorAt(start, "the string has no end");
  ++pos_;
  return out;
}

Status Lexer::Advance() {
  SkipSpace();
  token_ = Token{TokenKind::kEnd, "", pos_};
  if (pos_ == text_.size()) return OkStatus();
  const size_t start = pos_;
  const char c = text_[pos_];
  const char next = pos_ + 1 < text_.size() ? text_[pos_ + 1] : '\0';
  const auto take_while = [&](auto&& fn) {
    while (pos_ < text_.size() && fn(text_[pos_])) ++pos_;
    return std::string(text_.substr(start, pos_ - start));
  };
  // A colon never ends a word: it separates a value from its type.
  const auto trim_colons = [&] {
    while (token_.text.ends_with(':')) {
      token_.text.pop_back();
      --pos_;
    }
  };
  if (c == '"') {
    ADZE_ASSIGN(token_.text, ReadQuoted());
    token_.kind = TokenKind::kString;
  } else if (c == '%') {
    ++pos_;
    if (next == '"') {
      ADZE_ASSIGN(token_.text, ReadQuoted());
    } else {
      token_.text = take_while(IsNameChar).substr(1);
      trim_colons();
    }
    if (token_.text.empty()) return ErrorAt(start, "a value name is expected after %");
    token_.kind = TokenKind::kName;
  } else if (IsAlpha(c)) {
    token_.text = take_while(IsNameChar);
    trim_colons();
    token_.kind = TokenKind::kWord;
  } else if (IsDigit(c) || c == '-' || c == '+' || (c == '.' && IsDigit(next))) {
    token_.text = take_while(
        [](char d) { return IsDigit(d) || IsAlpha(d) || d == '.' || d == '+' || d == '-'; });
    token_.kind = TokenKind::kNumber;
  } else if (text_.substr(pos_, 3) == "...") {
    pos_ += 3;
    token_.text = "...";
    token_.kind = TokenKind::kPunct;
  } else if (std::string_view("()[]{},=:").find(c) != std::string_view::npos) {
    ++pos_;
    token_.text = std::string(1, c);
    token_.kind = TokenKind::kPunct;
  } else {
    return ErrorAt(start, "unexpected character");
  }
  return OkStatus();
}

Result<std::string> Lexer::RawUntil(std::string_view stop) {
  const size_t start = token_.offset;
  int depth = 0;
  for (pos_ = start; pos_ < text_.size(); ++pos_) {
    const char c = text_[pos_];
    if (depth == 0 && stop.find(c) != std::string_view::npos) break;
    if (c == '(') ++depth;
    if (c == ')') --depth;
  }
  std::string raw(text_.substr(start, pos_ - start));
  ADZE_TRY(Advance());
  return raw;
}

}  // namespace adze
