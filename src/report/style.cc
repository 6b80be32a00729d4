#include "report/page.h"

namespace adze::report {

std::string_view StyleSheet() {
  return R"css(
:root {
  color-scheme: light dark;
  --paper: #ffffff; --panel: #f5f7f9; --ink: #17202b; --soft: #566273; --line: #dbe1e8;
  --int8: #0f6f8c; --int8-tint: #e2f1f5; --float: #8d98a7; --float-tint: #eceff3;
  --error: #b5521b; --good: #1a7544; --bad: #b3261e; --good-tint: #e7f4ec; --bad-tint: #fbeae8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #11161d; --panel: #19202a; --ink: #e3e8ee; --soft: #9ba8b8; --line: #2d3744;
    --int8: #52b9d6; --int8-tint: #15313b; --float: #8490a0; --float-tint: #28313d;
    --error: #ea9a63; --good: #62cc92; --bad: #ff8f86; --good-tint: #14301f; --bad-tint: #3a1d1b;
  }
}
@media print {
  :root {
    color-scheme: light;
    --paper: #ffffff; --panel: #f5f7f9; --ink: #000000; --soft: #444c57; --line: #c5ccd4;
    --int8: #0f6f8c; --int8-tint: #e2f1f5; --float: #8d98a7; --float-tint: #eceff3;
    --error: #b5521b; --good: #1a7544; --bad: #b3261e; --good-tint: #e7f4ec; --bad-tint: #fbeae8;
  }
}
*, ::before, ::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-padding-top: 1rem; }
body {
  margin: 0 auto; padding: 0 clamp(1rem, 3vw, 2.5rem); max-width: 82rem;
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif;
  color: var(--ink); background: var(--paper); overflow-wrap: break-word;
}
code, pre { font: .875em/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
code { overflow-wrap: anywhere; unicode-bidi: isolate; }
h1, h2, h3, h4 { line-height: 1.25; margin: 0; text-wrap: balance; overflow-wrap: anywhere; }
h1 { font-size: clamp(1.6rem, 1.1rem + 2.2vw, 2.4rem); letter-spacing: -.015em; }
h2 { font-size: 1.3rem; letter-spacing: -.005em; margin-bottom: .6rem; }
h3 { font-size: 1.02rem; margin: 1.4rem 0 .6rem; }
h4 { font-size: .92rem; font-weight: 600; }
p { margin: 0 0 .8rem; }
a { color: var(--int8); text-underline-offset: .18em; text-decoration-thickness: 1px; }
a code { color: inherit; }
:focus-visible { outline: 3px solid var(--int8); outline-offset: 2px; border-radius: 3px; }
main:focus { outline: none; }
.note { color: var(--soft); max-width: 46rem; font-size: .925rem; }
.soft { color: var(--soft); }
.good { color: var(--good); } .bad { color: var(--bad); }
.skip { position: absolute; left: -100vw; padding: .5rem 1rem; background: var(--paper); z-index: 2; }
.skip:focus { left: 1rem; top: .5rem; }

header.top { padding: 2.2rem 0 .5rem; }
.eyebrow { color: var(--soft); font-size: .85rem; margin-bottom: .35rem; letter-spacing: .02em; }
.verdict { margin: 1.1rem 0 1.3rem; padding: .85rem 1.1rem; background: var(--panel); border-left: 4px solid var(--float); border-radius: 4px; }
.verdict.met { border-color: var(--good); background: var(--good-tint); }
.verdict.unmet { border-color: var(--bad); background: var(--bad-tint); }
.verdict p { margin: 0; }
.verdict .state { font-weight: 650; }
.met .state { color: var(--good); } .unmet .state { color: var(--bad); }
.verdict .sentence { font-size: 1.12rem; max-width: 52rem; text-wrap: pretty; overflow-wrap: anywhere; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 9.5rem), 1fr)); gap: 1px; margin: 0; background: var(--line); border: 1px solid var(--line); border-radius: 6px; overflow: hidden; }
.figures div { background: var(--paper); padding: .8rem 1rem; }
.figures dt { color: var(--soft); font-size: .85rem; overflow-wrap: anywhere; }
.figures dd { margin: 0; }
.figures strong { display: block; font-size: clamp(1.1rem, .9rem + .8vw, 1.35rem); font-weight: 650; letter-spacing: -.01em; line-height: 1.3; }
.figures span { color: var(--soft); font-size: .85rem; font-variant-numeric: tabular-nums; }

nav ul { display: flex; flex-wrap: wrap; gap: .1rem 1rem; margin: 1rem 0 0; padding: .6rem 0; list-style: none; border-bottom: 1px solid var(--line); font-size: .9rem; }
nav a { display: inline-block; padding: .2rem 0; text-decoration: none; }
nav a:hover { text-decoration: underline; }
section { padding: 2rem 0 .6rem; }
section + section { border-top: 1px solid var(--line); }
main { min-width: 0; }
footer { color: var(--soft); font-size: .85rem; padding: 1.5rem 0 2.5rem; border-top: 1px solid var(--line); margin-top: 1.5rem; }
@media (min-width: 68rem) {
  .frame { display: grid; grid-template-columns: 12.5rem minmax(0, 1fr); gap: 2.5rem; }
  nav ul { position: sticky; top: 1rem; display: block; border: 0; padding: 1.2rem 0; margin: 0; }
  nav li { margin-bottom: .35rem; }
  nav a { color: var(--soft); }
  nav a:hover { color: var(--int8); }
}

.wide { overflow-x: auto; margin-bottom: 1rem; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums lining-nums; }
th, td { padding: .42rem .6rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); font-weight: 400; }
th:first-child, td:first-child { padding-left: 0; }
th.num:last-child, td.num:last-child { padding-right: .25rem; }
#ladder th, #ladder td { padding-left: .35rem; padding-right: .35rem; }
thead th { color: var(--soft); font-size: .82rem; font-weight: 600; vertical-align: bottom; border-bottom-width: 2px; white-space: nowrap; }
tbody th { font-weight: 600; }
.num { text-align: right; white-space: nowrap; }
td.num .more { white-space: nowrap; }
.more { display: block; color: var(--soft); font-size: .82rem; font-weight: 400; }
.name { min-width: 12rem; max-width: 26rem; }
.wordy { min-width: 13rem; max-width: 30rem; overflow-wrap: anywhere; }
.hash code { font-size: .75rem; display: block; min-width: 17rem; }
tr.minor th { font-weight: 400; padding-left: 1rem; color: var(--soft); }
tr.chosen { background: var(--int8-tint); }
tr.chosen th:first-child { padding-left: .6rem; box-shadow: inset 3px 0 var(--int8); }
#comparison table { max-width: 52rem; }
#comparison td { min-width: 4.6rem; }
th button { all: unset; cursor: pointer; font: inherit; color: inherit; }
th button:focus-visible { outline: 3px solid var(--int8); outline-offset: 2px; }
th button::after { content: "↕"; opacity: .45; margin-left: .25em; }
th[aria-sort] button { color: var(--ink); }
th[aria-sort] button::after { opacity: 1; }
th[aria-sort=ascending] button::after { content: "↑"; }
th[aria-sort=descending] button::after { content: "↓"; }

.tag { display: inline-block; padding: 0 .45em; border-radius: 3px; font-size: .78rem; font-weight: 600; line-height: 1.5; }
.tag.int8 { color: var(--int8); background: var(--int8-tint); }
.tag.float { color: var(--ink); background: var(--float-tint); }
tr.chosen .tag { background: var(--int8); color: var(--paper); }

details { margin: .6rem 0 1rem; }
summary { cursor: pointer; font-weight: 600; font-size: .95rem; padding: .3rem 0; }
.tools { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem .8rem; margin: .5rem 0 .8rem; color: var(--soft); font-size: .88rem; }
.tools input, .tools button { font: inherit; color: var(--ink); background: var(--paper); border: 1px solid var(--float); border-radius: 4px; padding: .3rem .6rem; }
.tools input { width: 19rem; max-width: 100%; }
.tools button { cursor: pointer; }

.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 17rem), 1fr)); gap: .4rem 2rem; }
figure { margin: 0 0 1.3rem; }
figcaption { font-size: .9rem; margin-bottom: .35rem; }
.limit-key { color: var(--soft); font-size: .82rem; border-left: 2px dashed var(--error); padding-left: .45em; margin-left: .35em; }
.bars svg { display: block; width: 100%; overflow: visible; }
.bar { display: grid; grid-template-columns: minmax(0, 7.5rem) minmax(0, 1fr) 4.4rem; gap: .7rem; align-items: center; padding: .1rem 0; font-size: .85rem; font-variant-numeric: tabular-nums; }
.bar .what { overflow-wrap: anywhere; line-height: 1.25; }
.bar.chosen .what, .bar.chosen .num { font-weight: 650; }
.wide-bars .bar { grid-template-columns: minmax(0, 15rem) minmax(0, 1fr) minmax(max-content, 14rem); padding: .18rem 0; }
.findings .bar { grid-template-columns: minmax(0, 30rem) minmax(0, 1fr) 5rem; padding: .45rem 0; }
.wide-bars .num .more { display: inline-block; min-width: 5.6rem; margin-left: .4rem; }
@media (max-width: 40rem) {
  .wide-bars .bar { grid-template-columns: minmax(0, 1fr) auto; gap: .1rem .6rem; padding: .35rem 0; }
  .wide-bars .bar svg { grid-column: 1 / -1; grid-row: 2; }
  .wide-bars .num .more { min-width: 0; }
  th, td { padding: .4rem .4rem; }
  #comparison tr { display: grid; grid-template-columns: 1fr 1fr 1.25fr; border-bottom: 1px solid var(--line); }
  #comparison th, #comparison td { border: 0; padding: .15rem 0; }
  #comparison tbody th { grid-column: 1 / -1; padding-top: .45rem; }
  #comparison td { padding-bottom: .4rem; }
  #comparison thead th:first-child { display: none; }
}
svg .int8 { fill: var(--int8); }
svg .float { fill: var(--float); }
.charts .bar { grid-template-columns: minmax(0, 1fr) 4.4rem; row-gap: 0; padding: .15rem 0 .3rem; }
.charts .bar .what { grid-column: 1 / -1; }
.charts .bar:not(.chosen) rect { opacity: .55; }
.whisker, .limit, .axis { fill: none; vector-effect: non-scaling-stroke; }
.whisker { stroke: var(--ink); stroke-width: 1.5; }
.axis { stroke: var(--soft); stroke-width: 1; }
.limit { stroke: var(--error); stroke-width: 2; stroke-dasharray: 3 3; }

.plot { display: block; width: 100%; min-width: 44rem; height: auto; }
.plot text { font-size: 11px; fill: var(--soft); font-variant-numeric: tabular-nums; }
.plot .grid { stroke: var(--line); fill: none; }
.plot .hover { fill: transparent; }
.plot .hover:hover { fill: var(--ink); fill-opacity: .06; }
.band { fill: var(--float); fill-opacity: .22; }
.line { fill: none; stroke-width: 1.6; stroke-linejoin: round; }
.line.own { stroke: var(--error); stroke-width: 1.1; }
.line.inherited { stroke: var(--float); stroke-dasharray: 4 3; }
.line.total { stroke: var(--int8); stroke-width: 2; }
.mark.own { fill: var(--error); } .mark.inherited { fill: var(--paper); stroke: var(--float); stroke-width: 1.5; } .mark.total { fill: var(--int8); }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.4rem; list-style: none; margin: 0 0 .7rem; padding: 0; font-size: .86rem; color: var(--soft); }
.legend li { position: relative; padding-left: 36px; }
.legend svg { position: absolute; left: 0; top: .4em; }
.legend b { color: var(--ink); font-weight: 600; }

.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 16.5rem), 1fr)); gap: .9rem; margin-bottom: .8rem; align-items: start; }
.card { border: 1px solid var(--line); border-radius: 6px; padding: .75rem .9rem .6rem; min-width: 0; break-inside: avoid; }
.card:target { border-color: var(--int8); box-shadow: 0 0 0 1px var(--int8); }
.card h3 { margin: 0 0 .4rem; }
.card h4 { margin-bottom: .5rem; }
.facts { margin: .3rem 0 0; font-size: .84rem; font-variant-numeric: tabular-nums; }
.facts div { display: flex; gap: .8rem; justify-content: space-between; padding: .1rem 0; }
.facts dt { color: var(--soft); flex: none; }
.facts dd { margin: 0; text-align: right; min-width: 0; overflow-wrap: anywhere; }
.histogram { display: block; width: 100%; height: 4.2rem; background: var(--panel); }
.histogram .chosen { fill: var(--int8-tint); }
.histogram .inside { fill: var(--int8); }
.histogram .outside { fill: var(--error); }
.histogram .then { fill: none; stroke: var(--error); stroke-width: 1.5; vector-effect: non-scaling-stroke; }
.histogram .edge { fill: none; stroke: var(--ink); stroke-width: 1.3; vector-effect: non-scaling-stroke; }
.ends { display: flex; justify-content: space-between; color: var(--soft); font-size: .75rem; margin: .1rem 0 0; font-variant-numeric: tabular-nums; }

.graph { max-height: min(44rem, 80vh); overflow: auto; border: 1px solid var(--line); border-radius: 6px; padding: .5rem .7rem; }
.node { display: grid; grid-template-columns: auto minmax(0, 1fr); column-gap: .5rem; font-size: .9rem; }
.node[hidden] { display: none; }
.rail { display: flex; flex-direction: column; }
.rail svg { flex: none; display: block; }
.rail .stretch { flex: 1 1 0; height: 0; min-height: 0; margin-bottom: -1px; }
.rail .edge { fill: none; stroke: var(--float); stroke-width: 1.6; vector-effect: non-scaling-stroke; }
.rail .dot { fill: var(--paper); stroke: var(--float); stroke-width: 2; }
.rail .dot.int8 { fill: var(--int8); stroke: var(--int8); }
.rail .dot.float { fill: var(--float-tint); stroke: var(--float); }
.rail rect.port { fill: var(--ink); }
p.port { margin: 0; line-height: 32px; color: var(--soft); white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.node details { margin: 0; }
.node summary { display: flex; gap: .55rem; height: 32px; line-height: 32px; padding: 0; font-weight: 400; font-size: inherit; white-space: nowrap; border-radius: 3px; list-style: none; }
.node summary::-webkit-details-marker { display: none; }
.node summary::before { content: "▸"; color: var(--soft); flex: none; width: .7em; }
.node [open] summary::before { content: "▾"; }
.node summary code { line-height: 32px; min-width: 0; overflow: hidden; text-overflow: ellipsis; }
.node summary wbr { display: none; }
.node summary .tag { align-self: center; flex: none; }
.node summary:hover { background: var(--panel); }
.node summary:focus-visible { outline-offset: -3px; }
.node .op { color: var(--soft); flex: none; }
.node .body { padding: .3rem 0 .8rem .2rem; font-size: .86rem; }
.node .body p { margin-bottom: .3rem; }
.node .body table { font-size: .84rem; }
.node .body .wide { margin: 0; }
.node .body tbody th { white-space: nowrap; }
.node .body:target { box-shadow: -3px 0 var(--int8); padding-left: .7rem; }

.warnings { margin: 0; padding: .8rem 1rem .8rem 2rem; border-left: 4px solid var(--error); background: var(--panel); border-radius: 4px; overflow-wrap: anywhere; }
pre { background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: .8rem 1rem; overflow-x: auto; }

@media print {
  @page { margin: 13mm; }
  html { font-size: 8.5pt; }
  body { max-width: none; padding: 0; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  nav, .skip, .tools { display: none; }
  .frame { display: block; }
  a { color: inherit; text-decoration: none; }
  section { padding: 1rem 0 .3rem; }
  h2, h3, summary, figcaption { break-after: avoid; }
  tr, .bar, .figures, .verdict { break-inside: avoid; }
  .wide, pre, .graph { overflow: visible; max-height: none; }
  .graph { border: 0; padding: 0; }
  .plot { min-width: 0; break-inside: avoid; }
  .name, .hash code { min-width: 0; }
  th, td { padding: .18rem .35rem; }
  thead th { white-space: normal; }
  th button::after { content: none; }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; }
  .cards { grid-template-columns: repeat(4, 1fr); gap: .5rem; }
  .card { padding: .45rem .6rem; }
  .facts { line-height: 1.35; }
  .histogram { height: 3rem; }
  details::details-content { content-visibility: visible; height: auto; }
  .node .body { padding: 0 0 .4rem; }
  .node .body p, .node .body .wide { margin: 0; }
  .node .body thead { display: none; }
  .node .body th, .node .body td { padding: 0 .35rem; border: 0; }
  .node summary::before { content: none; }
}
)css";
}

}  // namespace adze::report
