// Numbers as people read them: with units, three significant digits or so, a true minus sign, and
// "–" for what is unknown. The same on every machine: no locale.
#ifndef ADZE_REPORT_NUMBERS_H_
#define ADZE_REPORT_NUMBERS_H_

#include <string>

#include "report/evidence.h"

namespace adze::report {

inline constexpr char kUnknown[] = "–";
inline constexpr char kSpace[] = "\u00A0";  // between number and unit: no line break

std::string Fixed(double x, int decimals);          // infinities as ∞
std::string Significant(double x, int digits = 3);  // 0.00123, 1.23, 123, 1.2e-9
std::string Raw(double x);  // shortest digits that read back as x: for attributes and scripts

std::string Bytes(Number bytes);                     // decimal: 14.0 MB
std::string Milliseconds(Number ms);                 // 84.2 µs, 4.21 ms
std::string Microseconds(Number us);                 // 84.2 µs; never changes unit, for columns
std::string Seconds(Number s);                       // 12.4 s, 2 min 5 s
std::string Percent(Number rate, int decimals = 2);  // of a share from 0 to 1
std::string Points(Number points);                   // signed percentage points
std::string Decibels(Number db);
std::string Count(Number n);                                           // 234 567, 300 M
std::string Factor(Number x);                                          // 3.82×
std::string Interval(const Range& range, double scale, int decimals);  // 70.1 to 73.6
// "3.82× smaller" or "1.10× larger": what `after` is beside `before`, in the given words.
std::string Ratio(Number before, Number after, const char* less, const char* more);

}  // namespace adze::report

#endif  // ADZE_REPORT_NUMBERS_H_
