#include "ops/dim.h"

#include <algorithm>
#include <cctype>
#include <numeric>

#include "base/check.h"

namespace adze {
namespace {

constexpr int64_t kLimit = int64_t{1} << 62;
constexpr int kMaxFloorDepth = 16;
constexpr int kMaxParseDepth = 2 * kMaxFloorDepth;
constexpr size_t kMaxText = 2048;  // printed length of a polynomial; Parse takes twice as much
constexpr size_t kMaxSymbolName = 256;

int64_t Saturate(__int128 v) {
  return static_cast<int64_t>(std::clamp<__int128>(v, -kLimit, kLimit));
}
int64_t AddSat(int64_t a, int64_t b) { return Saturate(static_cast<__int128>(a) + b); }
int64_t MulSat(int64_t a, int64_t b) { return Saturate(static_cast<__int128>(a) * b); }
int64_t FloorDivInt(int64_t a, int64_t b) {
  const int64_t q = a / b;
  return (a % b != 0 && (a < 0) != (b < 0)) ? q - 1 : q;
}

bool IsSymbolChar(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) ||
         std::string_view("_.?:/").find(c) != std::string_view::npos;
}

constexpr char kHexDigits[] = "0123456789ABCDEF";

std::string EscapeSymbol(std::string_view name) {
  std::string out;
  for (size_t i = 0; i < name.size(); ++i) {
    const unsigned char c = static_cast<unsigned char>(name[i]);
    if (IsSymbolChar(name[i]) && (i != 0 || !std::isdigit(c))) {
      out += name[i];
    } else {
      out += {'%', kHexDigits[c >> 4], kHexDigits[c & 15]};
    }
  }
  return out;
}

}  // namespace

// A symbol, or floor(numerator / divisor). `key` is its printed form and its identity.
struct Dim::Atom {
  std::string key;
  std::string symbol;  // the unescaped name; empty for a division
  Dim numerator;
  int64_t divisor = 1;
  int depth = 0;  // nested divisions

  bool is_symbol() const { return !symbol.empty(); }
};

struct Dim::Term {
  int64_t coefficient;
  std::vector<std::shared_ptr<const Atom>> atoms;  // sorted by key; repeated for powers

  // The lexicographic monomial order (a > b > ...), largest first: compatible with multiplication,
  // which long division needs.
  static int Compare(const Term& a, const Term& b) {
    const size_t n = std::min(a.atoms.size(), b.atoms.size());
    for (size_t i = 0; i < n; ++i) {
      if (const int c = a.atoms[i]->key.compare(b.atoms[i]->key); c != 0) return c;
    }
    // Longer products first, so the constant term prints last.
    return static_cast<int>(b.atoms.size()) - static_cast<int>(a.atoms.size());
  }
  // At least its printed length.
  size_t TextSize() const {
    size_t n = 24;
    for (const auto& atom : atoms) n += atom->key.size() + 1;
    return n;
  }
  static size_t TextSize(const std::vector<Term>& terms) {
    size_t n = 0;
    for (const Term& t : terms) n += t.TextSize();
    return n;
  }
};

Dim::Dim(int64_t value) : constant_(std::clamp(value, -kLimit, kLimit)) {}

Dim Dim::Symbol(std::string_view name) {
  if (name.size() > kMaxSymbolName) return Opaque(name);
  auto atom = std::make_shared<Atom>();
  atom->symbol = name.empty() ? "?" : std::string(name);
  atom->key = EscapeSymbol(atom->symbol);
  return FromTerms({Term{1, {std::move(atom)}}});
}

Dim Dim::Opaque(std::string_view identity) {
  uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a
  for (const char c : identity) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  std::string name = "?";
  for (int shift = 60; shift >= 0; shift -= 4) name += kHexDigits[(hash >> shift) & 15];
  return Symbol(name);
}

std::optional<std::string_view> Dim::SymbolName() const {
  if (is_const() || terms_->size() != 1) return std::nullopt;
  const Term& t = terms_->front();
  if (t.coefficient != 1 || t.atoms.size() != 1 || !t.atoms[0]->is_symbol()) return std::nullopt;
  return t.atoms[0]->symbol;
}

int64_t Dim::value() const {
  ADZE_CHECK(is_const());
  return constant_;
}

Dim::Terms Dim::ToTerms() const {
  if (terms_ != nullptr) return *terms_;
  if (constant_ == 0) return {};
  return {Term{constant_, {}}};
}

Dim Dim::FromTerms(Terms terms) {
  std::sort(terms.begin(), terms.end(),
            [](const Term& a, const Term& b) { return Term::Compare(a, b) < 0; });
  Terms merged;
  for (Term& t : terms) {
    if (!merged.empty() && Term::Compare(merged.back(), t) == 0) {
      merged.back().coefficient = AddSat(merged.back().coefficient, t.coefficient);
      if (merged.back().coefficient == 0) merged.pop_back();
    } else if (t.coefficient != 0) {
      merged.push_back(std::move(t));
    }
  }
  if (merged.empty()) return Dim(0);
  if (merged.size() == 1 && merged[0].atoms.empty()) return Dim(merged[0].coefficient);
  const bool too_long = Term::TextSize(merged) > kMaxText;
  Dim d;
  d.terms_ = std::make_shared<const Terms>(std::move(merged));
  return too_long ? Opaque(d.ToString()) : d;
}

Dim operator+(const Dim& a, const Dim& b) {
  if (a.is_const() && b.is_const()) return Dim(AddSat(a.constant_, b.constant_));
  Dim::Terms terms = a.ToTerms();
  for (const Dim::Term& t : b.ToTerms()) terms.push_back(t);
  return Dim::FromTerms(std::move(terms));
}

Dim operator-(const Dim& a, const Dim& b) { return a + Dim(-1) * b; }

Dim operator*(const Dim& a, const Dim& b) {
  if (a.is_const() && b.is_const()) return Dim(MulSat(a.constant_, b.constant_));
  const Dim::Terms left = a.ToTerms();
  const Dim::Terms right = b.ToTerms();
  Dim::Terms terms;
  if (left.size() * Dim::Term::TextSize(right) + right.size() * Dim::Term::TextSize(left) >
      8 * kMaxText) {  // hostile input: give up exactness, stay bounded
    return Dim::Opaque("(" + a.ToString() + ")*(" + b.ToString() + ")");
  }
  for (const Dim::Term& x : left) {
    for (const Dim::Term& y : right) {
      Dim::Term t{MulSat(x.coefficient, y.coefficient), x.atoms};
      t.atoms.insert(t.atoms.end(), y.atoms.begin(), y.atoms.end());
      std::sort(t.atoms.begin(), t.atoms.end(),
                [](const auto& p, const auto& q) { return p->key < q->key; });
      terms.push_back(std::move(t));
    }
  }
  return Dim::FromTerms(std::move(terms));
}

bool operator==(const Dim& a, const Dim& b) {
  if (a.is_const() || b.is_const()) {
    return a.is_const() && b.is_const() && a.constant_ == b.constant_;
  }
  return a.terms_ == b.terms_ ||
         std::equal(a.terms_->begin(), a.terms_->end(), b.terms_->begin(), b.terms_->end(),
                    [](const Dim::Term& x, const Dim::Term& y) {
                      return x.coefficient == y.coefficient && Dim::Term::Compare(x, y) == 0;
                    });
}

Dim Dim::FloorDiv(int64_t divisor) const {
  ADZE_CHECK(divisor >= 1);
  if (is_const()) return Dim(FloorDivInt(constant_, divisor));
  if (divisor == 1) return *this;
  // floor((d*q + r)/d) = q + floor(r/d): pull the divisible terms out.
  Terms quotient;
  Terms rest;
  int64_t rest_constant = 0;
  int64_t common = divisor;
  for (const Term& t : *terms_) {
    if (t.atoms.empty()) {
      const int64_t q = FloorDivInt(t.coefficient, divisor);
      quotient.push_back(Term{q, {}});
      rest_constant = t.coefficient - q * divisor;
    } else if (t.coefficient % divisor == 0) {
      quotient.push_back(Term{t.coefficient / divisor, t.atoms});
    } else {
      rest.push_back(t);
      common = std::gcd(common, t.coefficient);
    }
  }
  Dim q = FromTerms(std::move(quotient));
  if (rest.empty()) return q;  // 0 <= rest_constant < divisor
  // floor((g*r + c)/(g*d)) = floor((r + floor(c/g))/d).
  for (Term& t : rest) t.coefficient /= common;
  rest_constant /= common;
  divisor /= common;
  // floor((floor(n/m) + c)/d) = floor((n + c*m)/(d*m)).
  if (rest.size() == 1 && rest[0].coefficient == 1 && rest[0].atoms.size() == 1 &&
      !rest[0].atoms[0]->is_symbol()) {
    const Atom& inner = *rest[0].atoms[0];
    if (MulSat(divisor, inner.divisor) < kLimit && MulSat(rest_constant, inner.divisor) < kLimit) {
      return q + (inner.numerator + Dim(rest_constant * inner.divisor))
                     .FloorDiv(divisor * inner.divisor);
    }
  }
  auto atom = std::make_shared<Atom>();
  for (const Term& t : rest) {
    for (const auto& a : t.atoms) atom->depth = std::max(atom->depth, a->depth + 1);
  }
  atom->numerator = FromTerms(std::move(rest)) + Dim(rest_constant);
  atom->divisor = divisor;
  atom->key = "floor((" + atom->numerator.ToString() + ")/" + std::to_string(divisor) + ")";
  if (atom->depth > kMaxFloorDepth) return q + Opaque(atom->key);
  return q + FromTerms({Term{1, {std::move(atom)}}});
}

std::optional<Dim> Dim::DivExact(const Dim& divisor) const {
  const Terms d = divisor.ToTerms();
  if (d.empty()) return std::nullopt;
  // Long division by the leading term; every step removes the leading term of the rest.
  Dim rest = *this;
  Terms quotient;
  for (size_t step = 0; step < kMaxText / 16; ++step) {
    const Terms r = rest.ToTerms();
    if (r.empty()) return FromTerms(std::move(quotient));
    if (r[0].coefficient % d[0].coefficient != 0) return std::nullopt;
    Term q{r[0].coefficient / d[0].coefficient, r[0].atoms};
    for (const auto& atom : d[0].atoms) {
      const auto it = std::find_if(q.atoms.begin(), q.atoms.end(),
                                   [&](const auto& a) { return a->key == atom->key; });
      if (it == q.atoms.end()) return std::nullopt;
      q.atoms.erase(it);
    }
    rest = rest - FromTerms({q}) * divisor;
    quotient.push_back(std::move(q));
  }
  return std::nullopt;
}

std::optional<int64_t> Dim::LowerBound() const {
  if (is_const()) return constant_;
  int64_t sum = 0;
  for (const Term& t : *terms_) {
    int64_t bound = t.coefficient;
    if (bound < 0 && !t.atoms.empty()) return std::nullopt;
    for (const auto& atom : t.atoms) {
      const std::optional<int64_t> n =
          atom->is_symbol() ? std::optional<int64_t>(0) : atom->numerator.LowerBound();
      // A product with a factor that can be negative is unbounded unless it is the only factor.
      if (!n || (*n < 0 && t.atoms.size() > 1)) return std::nullopt;
      bound = MulSat(bound, FloorDivInt(*n, atom->divisor));
    }
    sum = AddSat(sum, bound);
  }
  return sum;
}

std::optional<int64_t> Dim::Evaluate(const DimBindings& bindings) const {
  if (is_const()) return constant_;
  __int128 sum = 0;
  for (const Term& t : *terms_) {
    __int128 product = t.coefficient;
    for (const auto& atom : t.atoms) {
      int64_t v;
      if (atom->is_symbol()) {
        const auto it = bindings.find(atom->symbol);
        if (it == bindings.end()) return std::nullopt;
        v = it->second;
      } else {
        const std::optional<int64_t> n = atom->numerator.Evaluate(bindings);
        if (!n) return std::nullopt;
        v = FloorDivInt(*n, atom->divisor);
      }
      product *= v;
      if (product > kLimit || product < -kLimit) return std::nullopt;
    }
    sum += product;
    if (sum > kLimit || sum < -kLimit) return std::nullopt;
  }
  return static_cast<int64_t>(sum);
}

void Dim::CollectSymbols(DimBindings* names) const {
  if (is_const()) return;
  for (const Term& t : *terms_) {
    for (const auto& atom : t.atoms) {
      if (atom->is_symbol()) {
        names->emplace(atom->symbol, 0);
      } else {
        atom->numerator.CollectSymbols(names);
      }
    }
  }
}

std::string Dim::ToString() const {
  if (is_const()) return std::to_string(constant_);
  std::string out;
  for (const Term& t : *terms_) {
    if (!out.empty()) out += " + ";
    std::string factors;
    for (const auto& atom : t.atoms) {
      if (!factors.empty()) factors += '*';
      factors += atom->key;
    }
    if (factors.empty()) {
      out += std::to_string(t.coefficient);
    } else if (t.coefficient == 1) {
      out += factors;
    } else {
      out += std::to_string(t.coefficient) + '*' + factors;
    }
  }
  return out;
}

namespace {

// Recursive descent over: sum := product ('+' product)*; product := factor ('*' factor)*;
// factor := integer | '(' sum ')' | "floor((" sum ")/" integer ')' | symbol.
class DimParser {
 public:
  explicit DimParser(std::string_view text) : text_(text) {}

  std::optional<Dim> ParseAll() {
    std::optional<Dim> d = Sum(0);
    SkipSpace();
    if (!d || pos_ != text_.size()) return std::nullopt;
    return d;
  }

 private:
  void SkipSpace() {
    while (pos_ < text_.size() && text_[pos_] == ' ') ++pos_;
  }
  bool Accept(std::string_view token) {
    SkipSpace();
    if (text_.substr(pos_, token.size()) != token) return false;
    pos_ += token.size();
    return true;
  }
  std::optional<int64_t> Integer() {
    SkipSpace();
    const size_t start = pos_;
    if (pos_ < text_.size() && text_[pos_] == '-') ++pos_;
    int64_t v = 0;
    const size_t digits = pos_;
    while (pos_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[pos_]))) {
      v = AddSat(MulSat(v, 10), text_[pos_++] - '0');
    }
    if (pos_ == digits) {
      pos_ = start;
      return std::nullopt;
    }
    return text_[start] == '-' ? -v : v;
  }
  std::optional<Dim> Sum(int depth) {
    std::optional<Dim> left = Product(depth);
    while (left && Accept("+")) {
      const std::optional<Dim> right = Product(depth);
      if (!right) return std::nullopt;
      left = *left + *right;
    }
    return left;
  }
  std::optional<Dim> Product(int depth) {
    std::optional<Dim> left = Factor(depth);
    while (left && Accept("*")) {
      const std::optional<Dim> right = Factor(depth);
      if (!right) return std::nullopt;
      left = *left * *right;
    }
    return left;
  }
  std::optional<Dim> Factor(int depth) {
    if (depth > kMaxParseDepth) return std::nullopt;
    if (const std::optional<int64_t> v = Integer()) return Dim(*v);
    if (Accept("floor((")) {
      const std::optional<Dim> n = Sum(depth + 1);
      if (!n || !Accept(")/")) return std::nullopt;
      const std::optional<int64_t> d = Integer();
      if (!d || *d < 1 || !Accept(")")) return std::nullopt;
      return n->FloorDiv(*d);
    }
    if (Accept("(")) {
      const std::optional<Dim> d = Sum(depth + 1);
      if (!d || !Accept(")")) return std::nullopt;
      return d;
    }
    return SymbolName();
  }
  std::optional<Dim> SymbolName() {
    SkipSpace();
    std::string name;
    while (pos_ < text_.size()) {
      if (IsSymbolChar(text_[pos_])) {
        name += text_[pos_++];
      } else if (text_[pos_] == '%' && pos_ + 2 < text_.size()) {
        const size_t high = std::string_view(kHexDigits).find(text_[pos_ + 1]);
        const size_t low = std::string_view(kHexDigits).find(text_[pos_ + 2]);
        if (high >= 16 || low >= 16) return std::nullopt;
        name += static_cast<char>(high * 16 + low);
        pos_ += 3;
      } else {
        break;
      }
    }
    if (name.empty() || name.size() > kMaxSymbolName) return std::nullopt;
    return Dim::Symbol(name);
  }

  std::string_view text_;
  size_t pos_ = 0;
};

}  // namespace

std::optional<Dim> Dim::Parse(std::string_view text) {
  if (text.size() > 2 * kMaxText) return std::nullopt;
  return DimParser(text).ParseAll();
}

Dim NumElements(const Shape& shape) {
  Dim n = 1;
  for (const Dim& d : shape) n = n * d;
  return n;
}

std::string ShapeToString(const Shape& shape) {
  std::string out = "[";
  for (size_t i = 0; i < shape.size(); ++i) {
    if (i != 0) out += ',';
    out += shape[i].ToString();
  }
  return out + "]";
}

Shape ToShape(const std::vector<int64_t>& dims) { return Shape(dims.begin(), dims.end()); }

std::optional<std::vector<int64_t>> ToConstDims(const Shape& shape) {
  return EvaluateShape(shape, {});
}

std::optional<std::vector<int64_t>> EvaluateShape(const Shape& shape, const DimBindings& bindings) {
  std::vector<int64_t> dims;
  dims.reserve(shape.size());
  for (const Dim& d : shape) {
    const std::optional<int64_t> v = d.Evaluate(bindings);
    if (!v) return std::nullopt;
    dims.push_back(*v);
  }
  return dims;
}

}  // namespace adze
