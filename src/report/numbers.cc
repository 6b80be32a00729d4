#include "report/numbers.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <string_view>

namespace adze::report {
namespace {

std::string Digits(double x, std::chars_format format, int precision) {
  if (std::isnan(x)) return kUnknown;
  if (std::isinf(x)) return x > 0 ? "∞" : "−∞";
  if (std::fabs(x) >= 1e15) format = std::chars_format::general;  // else hundreds of digits
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), x, format, precision);
  std::string s(buffer, end.ptr);
  if (s.front() != '-') return s;
  const bool zero = s.find_first_of("123456789") == std::string::npos;
  return (zero ? "" : "−") + s.substr(1);
}

std::string Scaled(double x, double unit, const char* name) {
  return Significant(x / unit) + kSpace + name;
}

}  // namespace

std::string Fixed(double x, int decimals) { return Digits(x, std::chars_format::fixed, decimals); }

std::string Significant(double x, int digits) {
  if (x == 0) return "0";
  const double magnitude = std::fabs(x);
  if (magnitude < 1e-4) return Digits(x, std::chars_format::scientific, digits - 1);
  if (!std::isfinite(x)) return Fixed(x, 0);
  // The exponent after rounding, which may carry into a further digit (9.996).
  char buffer[32] = {};  // ends in a zero, which atoi needs
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer) - 1, magnitude,
                                 std::chars_format::scientific, digits - 1);
  const std::string_view scientific(buffer, static_cast<size_t>(end.ptr - buffer));
  const int exponent = std::atoi(buffer + scientific.find('e') + 1);
  return Fixed(x, std::max(digits - 1 - exponent, 0));
}

std::string Raw(double x) {
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), x);
  return std::string(buffer, end.ptr);
}

std::string Bytes(Number bytes) {
  if (!bytes) return kUnknown;
  const double b = *bytes;
  if (b < 1e3) return Fixed(b, 0) + kSpace + "B";
  if (b < 999.5e3) return Scaled(b, 1e3, "kB");
  if (b < 999.5e6) return Scaled(b, 1e6, "MB");
  return Scaled(b, 1e9, "GB");
}

std::string Milliseconds(Number ms) {
  if (!ms) return kUnknown;
  return *ms < 0.0995 ? Scaled(*ms, 1e-3, "µs") : Scaled(*ms, 1, "ms");
}

std::string Microseconds(Number us) { return us ? Scaled(*us, 1, "µs") : kUnknown; }

std::string Seconds(Number s) {
  if (!s) return kUnknown;
  if (*s < 119.95) return Fixed(*s, 1) + kSpace + "s";
  const double whole = std::round(*s);
  const double minutes = std::floor(whole / 60);
  return Fixed(minutes, 0) + kSpace + "min " + Fixed(whole - 60 * minutes, 0) + kSpace + "s";
}

std::string Percent(Number rate, int decimals) {
  return rate ? Fixed(*rate * 100, decimals) + kSpace + "%" : kUnknown;
}

std::string Points(Number points) {
  if (!points) return kUnknown;
  const std::string s = Fixed(*points, 2);
  return (*points > 0 && s != "0.00" ? "+" : "") + s + kSpace + "points";
}

std::string Decibels(Number db) { return db ? Fixed(*db, 1) + kSpace + "dB" : kUnknown; }

std::string Count(Number n) {
  if (!n) return kUnknown;
  if (*n >= 999.5e6) return Scaled(*n, 1e9, "G");
  if (*n >= 1e6) return Scaled(*n, 1e6, "M");
  std::string s = Fixed(*n, 0);
  // Narrow no-break spaces between groups of three.
  for (int i = static_cast<int>(s.size()) - 3; i > 0; i -= 3) {
    s.insert(static_cast<size_t>(i), "\u202F");
  }
  return s;
}

std::string Factor(Number x) { return x ? Significant(*x) + "×" : kUnknown; }

std::string Interval(const Range& range, double scale, int decimals) {
  if (!range) return "";
  return Fixed(range->first * scale, decimals) + " to " + Fixed(range->second * scale, decimals);
}

std::string Ratio(Number before, Number after, const char* less, const char* more) {
  if (!before || !after || *before <= 0 || *after <= 0) return "";
  const double r = *before / *after;
  const std::string factor = Factor(r >= 1 ? r : 1 / r);
  return factor == "1.00×" ? "unchanged" : factor + " " + (r >= 1 ? less : more);
}

}  // namespace adze::report
