// The sections of the HTML report. Each writes what follows its heading, and nothing at all where
// the evidence has nothing to say about it: the section is then left out.
#ifndef ADZE_REPORT_SECTIONS_H_
#define ADZE_REPORT_SECTIONS_H_

#include "report/view.h"

namespace adze::report {

void WriteFindings(const View& view, Markup& m);
void WriteComparison(const View& view, Markup& m);
void WriteLadder(const View& view, Markup& m);
void WriteFloatLayers(const View& view, Markup& m);
void WriteErrorByLayer(const View& view, Markup& m);
void WriteLatencyByLayer(const View& view, Markup& m);
void WriteTensors(const View& view, Markup& m);
void WriteGraph(const View& view, Markup& m);
void WriteWarnings(const View& view, Markup& m);
void WriteSetting(const View& view, Markup& m);
void WriteFiles(const View& view, Markup& m);
void WriteReproduce(const View& view, Markup& m);

// Above all sections: name, verdict, four figures.
void WriteHeader(const View& view, Markup& m);

}  // namespace adze::report

#endif  // ADZE_REPORT_SECTIONS_H_
