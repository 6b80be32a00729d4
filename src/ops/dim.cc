#include "ops/dim.h"

#include <algorithm>
#include <cctype>

#include "base/check.h"

namespace adze {
namespace {

constexpr int64_t kLimit = int64_t{1} << 62;
constexpr int kMaxParseDepth = 32;
constexpr size_t kMaxTerms = 256;

int64_t Saturate(__int128 v) {
  return static_cast<int64_t>(std::clamp<__int128>(v, -kLimit, kLimit));
}
int64_t AddSat(int64_t a, int64_t b) { return Saturate(static_cast<__int128>(a) + b); }
int64_t MulSat(int64_t a, int64_t b) { return Saturate(static_cast<__int128>(a) * b); }
int64_t FloorDivInt(int64_t a, int64_t b) {
  const int64_t q = a / b;
  return (a % b != 0 && (a < 0) != (b < 0)) ? q - 1 : q;
}

}  // namespace

// A symbol, or floor(numerator / divisor). `key` is its printed form and its identity.
struct Dim::Atom {
  std::string key;
  bool is_symbol;
  Dim numerator;
  int64_t divisor = 1;
};

struct Dim::Term {
  int64_t coefficient;
  std::vector<std::shared_ptr<const Atom>> atoms;  // sorted by key; repeated for powers

  static int Compare(const Term& a, const Term& b) {
    const size_t n = std::min(a.atoms.size(), b.atoms.size());
    for (size_t i = 0; i < n; ++i) {
      if (const int c = a.atoms[i]->key.compare(b.atoms[i]->key); c != 0) return c;
    }
    // Longer products first, so the constant term prints last.
    return static_cast<int>(b.atoms.size()) - static_cast<int>(a.atoms.size());
  }
};

Dim::Dim(int64_t value) : constant_(std::clamp(value, -kLimit, kLimit)) {}

Dim Dim::Symbol(std::string_view name) {
  auto atom = std::make_shared<Atom>();
  atom->key = std::string(name);
  atom->is_symbol = true;
  return FromTerms({Term{1, {std::move(atom)}}});
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
  Dim d;
  d.terms_ = std::make_shared<const Terms>(std::move(merged));
  return d;
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
  if (left.size() * right.size() > kMaxTerms) {  // hostile input: give up exactness, stay bounded
    return Dim::Symbol("(" + a.ToString() + ")*(" + b.ToString() + ")");
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
  for (const Term& t : *terms_) {
    if (t.coefficient % divisor == 0) {
      quotient.push_back(Term{t.coefficient / divisor, t.atoms});
    } else if (t.atoms.empty()) {
      const int64_t q = FloorDivInt(t.coefficient, divisor);
      quotient.push_back(Term{q, {}});
      rest.push_back(Term{t.coefficient - q * divisor, {}});
    } else {
      rest.push_back(t);
    }
  }
  const Dim q = FromTerms(std::move(quotient));
  const Dim r = FromTerms(std::move(rest));
  if (r.is_const()) return q + Dim(FloorDivInt(r.constant_, divisor));
  auto atom = std::make_shared<Atom>();
  atom->key = "floor((" + r.ToString() + ")/" + std::to_string(divisor) + ")";
  atom->is_symbol = false;
  atom->numerator = r;
  atom->divisor = divisor;
  return q + FromTerms({Term{1, {std::move(atom)}}});
}

std::optional<Dim> Dim::DivExact(const Dim& divisor) const {
  if (*this == divisor) return Dim(1);
  const Terms d = divisor.ToTerms();
  if (d.size() != 1) return std::nullopt;
  Terms quotient;
  for (const Term& t : ToTerms()) {
    if (t.coefficient % d[0].coefficient != 0) return std::nullopt;
    Term q{t.coefficient / d[0].coefficient, t.atoms};
    for (const auto& atom : d[0].atoms) {
      const auto it = std::find_if(q.atoms.begin(), q.atoms.end(),
                                   [&](const auto& a) { return a->key == atom->key; });
      if (it == q.atoms.end()) return std::nullopt;
      q.atoms.erase(it);
    }
    quotient.push_back(std::move(q));
  }
  return FromTerms(std::move(quotient));
}

std::optional<int64_t> Dim::Evaluate(const DimBindings& bindings) const {
  if (is_const()) return constant_;
  __int128 sum = 0;
  for (const Term& t : *terms_) {
    __int128 product = t.coefficient;
    for (const auto& atom : t.atoms) {
      int64_t v;
      if (atom->is_symbol) {
        const auto it = bindings.find(atom->key);
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
      if (atom->is_symbol) {
        names->emplace(atom->key, 0);
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
    SkipSpace();
    const size_t start = pos_;
    while (pos_ < text_.size() &&
           (std::isalnum(static_cast<unsigned char>(text_[pos_])) ||
            std::string_view("_.?:/").find(text_[pos_]) != std::string_view::npos)) {
      ++pos_;
    }
    if (pos_ == start) return std::nullopt;
    return Dim::Symbol(text_.substr(start, pos_ - start));
  }

  std::string_view text_;
  size_t pos_ = 0;
};

}  // namespace

std::optional<Dim> Dim::Parse(std::string_view text) {
  if (text.size() > 4096) return std::nullopt;
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

std::optional<std::vector<int64_t>> EvaluateShape(const Shape& shape,
                                                  const DimBindings& bindings) {
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
