// The constant parts of the HTML report.
#ifndef ADZE_REPORT_PAGE_H_
#define ADZE_REPORT_PAGE_H_

#include <string_view>

namespace adze::report {

// CSS. Holds none of < & and so stands in a <style> element as it is.
std::string_view StyleSheet();
// JavaScript that sorts, filters, and opens what is linked to or printed; the page is complete
// without it. In a CDATA section, so that the page is well-formed XML too.
std::string_view Script();

}  // namespace adze::report

#endif  // ADZE_REPORT_PAGE_H_
