// Symbolic dimensions: integer polynomials over named symbols, so that a network with a free batch
// or image size is planned once and re-planned without looking at the graph again.
#ifndef ADZE_OPS_DIM_H_
#define ADZE_OPS_DIM_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace adze {

// Values of the symbols, by name.
using DimBindings = std::map<std::string, int64_t, std::less<>>;

// An immutable canonical polynomial: a sum of coefficient * product of atoms, where an atom is a
// symbol or floor(polynomial / constant). Two Dims compare equal exactly when their canonical forms
// are the same, so equality means "certainly equal" and inequality "not known to be equal" (unless
// both are constants). Arithmetic on constants saturates at +-2^62, far above the element limit
// every reader enforces. A polynomial that would print longer than 2048 characters becomes an
// opaque symbol that no one binds, so hostile models stay bounded.
class Dim {
 public:
  Dim(int64_t value = 0);  // NOLINT: a constant; implicit by design
  // A free dimension such as "N". Any name will do; ToString prints characters outside
  // [A-Za-z0-9_.?:/] and a leading digit as %XX. Names beyond 256 characters are replaced by a
  // hash.
  static Dim Symbol(std::string_view name);

  bool is_const() const { return terms_ == nullptr; }
  int64_t value() const;  // only when is_const()
  bool IsConst(int64_t v) const { return is_const() && constant_ == v; }
  // The name given to Symbol() if this is one symbol and nothing else.
  std::optional<std::string_view> SymbolName() const;

  friend Dim operator+(const Dim& a, const Dim& b);
  friend Dim operator-(const Dim& a, const Dim& b);
  friend Dim operator*(const Dim& a, const Dim& b);
  friend bool operator==(const Dim& a, const Dim& b);

  // floor(this / divisor), divisor >= 1. Divides term by term where coefficients are divisible, and
  // merges nested divisions: floor(floor(N/2)/2) is floor(N/4).
  Dim FloorDiv(int64_t divisor) const;
  Dim CeilDiv(int64_t divisor) const { return (*this + (divisor - 1)).FloorDiv(divisor); }
  // The Dim q with q * divisor == *this, if the polynomials divide exactly; nullopt for divisor 0.
  std::optional<Dim> DivExact(const Dim& divisor) const;

  // The value under `bindings`; nullopt when a symbol is missing or the result overflows.
  std::optional<int64_t> Evaluate(const DimBindings& bindings) const;
  // The smallest value possible while every symbol is >= 0; nullopt when there is none or it is not
  // obvious.
  std::optional<int64_t> LowerBound() const;
  // Adds the names of all symbols in use to `names` (value ignored).
  void CollectSymbols(DimBindings* names) const;

  std::string ToString() const;  // "4*N + 3", "floor((H + -1)/2) + 1"
  // Parses what ToString prints; nullopt if it is not that. Depth and length are bounded.
  static std::optional<Dim> Parse(std::string_view text);

 private:
  struct Atom;
  struct Term;
  using Terms = std::vector<Term>;
  static Dim FromTerms(Terms terms);
  static Dim Opaque(std::string_view identity);
  Terms ToTerms() const;
  int64_t constant_ = 0;                // the value when terms_ is null
  std::shared_ptr<const Terms> terms_;  // sorted, no zero coefficients; null for a constant
};

using Shape = std::vector<Dim>;  // rank = size; a scalar is empty

// Product of all dimensions; 1 for a scalar.
Dim NumElements(const Shape& shape);
std::string ShapeToString(const Shape& shape);  // "[N,3,224,224]"
Shape ToShape(const std::vector<int64_t>& dims);
// All dimensions as numbers, or nullopt if one is symbolic.
std::optional<std::vector<int64_t>> ToConstDims(const Shape& shape);
std::optional<std::vector<int64_t>> EvaluateShape(const Shape& shape, const DimBindings& bindings);

}  // namespace adze

#endif  // ADZE_OPS_DIM_H_
