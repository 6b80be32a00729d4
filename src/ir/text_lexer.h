// The lexer of the text form: private to ir, used by text_parse.cc.
#ifndef ADZE_IR_TEXT_LEXER_H_
#define ADZE_IR_TEXT_LEXER_H_

#include <string>
#include <string_view>

#include "base/status.h"

namespace adze {

enum class TokenKind : uint8_t {
  kEnd,
  kWord,    // [A-Za-z_][A-Za-z0-9_./:-]*, also "inf" and "nan"
  kNumber,  // [+-]?[0-9.][0-9A-Za-z.+-]*, or -inf; validated by whoever converts it
  kString,  // "…", unescaped
  kName,    // %word or %"…", unescaped, without the %
  kPunct,   // one of ( ) [ ] { } , = : or "..."
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;
  size_t offset = 0;  // of its first character

  bool Is(std::string_view punct) const { return kind == TokenKind::kPunct && text == punct; }
  bool IsWord(std::string_view word) const { return kind == TokenKind::kWord && text == word; }
};

// One token of look-ahead over a text that outlives it.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  const Token& Peek() const { return token_; }
  Status Advance();  // reads the next token into Peek()
  // Raw text from the current token up to an unnested one of `stop`, which becomes the current
  // token.
  Result<std::string> RawUntil(std::string_view stop);
  // InvalidInput with line and column of the current token.
  Status Error(std::string message) const { return ErrorAt(token_.offset, std::move(message)); }

 private:
  Status ErrorAt(size_t offset, std::string message) const;
  void SkipSpace();
  Result<std::string> ReadQuoted();
  std::string_view text_;
  size_t pos_ = 0;
  Token token_;
};

}  // namespace adze

#endif  // ADZE_IR_TEXT_LEXER_H_
