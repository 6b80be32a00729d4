#!/usr/bin/env python3
"""Prints the before/after table of examples/demo.sh and writes the same as one self-contained HTML file.

    demo_report.py FLOAT.onnx INT8.onnx FOLDER REPORT.html     FOLDER holds the --json outputs, one file per step
"""
import html
import json
import pathlib
import sys


def percent(x):
    return f"{100 * x:.2f} %"


def interval(ci, scale=100, sign=""):
    return f"{scale * ci[0]:{sign}.2f} … {scale * ci[1]:{sign}.2f}"


def comparison(float_file, int8_file, r):
    """Rows of (what, float, int8, change)."""
    sizes = [pathlib.Path(f).stat().st_size for f in (float_file, int8_file)]
    before, after = r["eval_float"], r["eval_int8"]
    speed = [r["bench_float"]["p50_ms"], r["bench_int8"]["p50_ms"]]
    memory = [r["bench_float"]["peak_rss_bytes"], r["bench_int8"]["peak_rss_bytes"]]
    arena = [r["bench_float"]["arena_bytes"], r["bench_int8"]["arena_bytes"]]
    return [
        ("file", *(f"{s / 1e3:.0f} kB" for s in sizes), f"{sizes[1] / sizes[0]:.2f} x"),
        (f"top-1, {after['samples']} images", percent(before["value"]), percent(after["value"]),
         f"{100 * after['difference']:+.2f} points"),
        ("  95 % interval", interval(before["ci95"]), interval(after["ci95"]),
         interval(after["difference_ci95"], sign="+")),
        ("answers that changed", "", percent(after["flip_rate"]), ""),
        ("output SQNR", "", f"{after['sqnr_db']:.1f} dB", ""),
        ("latency, median", *(f"{ms:.3f} ms" for ms in speed), f"{speed[0] / speed[1]:.2f} x faster"
         if speed[1] <= speed[0] else f"{speed[1] / speed[0]:.2f} x slower"),
        ("activations", *(f"{b / 1e3:.0f} kB" for b in arena), f"{arena[1] / arena[0]:.2f} x"),
        ("peak memory, process", *(f"{b / 1e6:.1f} MB" for b in memory), f"{memory[1] / memory[0]:.2f} x"),
    ]


def print_table(rows):
    rows = [("", "float", "int8", "change"), *rows]
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    for row in rows:
        cells = [row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        print("  " + "   ".join(cells).rstrip())


STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #888; --bar: #4a7fb5; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 58rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin-bottom: 0 } h2 { font-size: 1.1rem; margin-top: 2rem }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { padding: .2rem .5rem; border-bottom: 1px solid var(--line); text-align: right; white-space: pre }
th:first-child, td:first-child { text-align: left } th { font-weight: 600 }
p, li { max-width: 44rem } .soft { color: var(--soft) } .wide { overflow-x: auto }
.range { position: relative; display: inline-block; width: 8rem; height: .7rem; background: var(--line) }
.range i { position: absolute; top: 0; bottom: 0; background: var(--bar) }
"""


def html_table(head, rows):
    """Cells are text, or (markup,) to be taken as it is."""
    def cell(tag, x):
        return f"<{tag}>{x[0] if isinstance(x, tuple) else html.escape(str(x))}</{tag}>"
    lines = ["".join(cell(tag, x) for x in row) for tag, row in [("th", head), *(("td", row) for row in rows)]]
    return '<div class="wide"><table>' + "\n".join(f"<tr>{line}</tr>" for line in lines) + "</table></div>"


def range_bar(low, high, least, most):
    left, width = 100 * (low - least) / (most - least), 100 * (high - low) / (most - least)
    return (f'<span class="range"><i style="left:{left:.1f}%;width:{max(width, 0.5):.1f}%"></i></span>',)


def page(rows, r):
    q, network, bench = r["quantize"], r["inspect"], r["bench_int8"]
    e = html.escape
    scores = sorted((s for s in q["scores"] if s["observer"] != "auto"), key=lambda s: -s["sqnr_db"])
    least = min(t["min"] for t in q["tensors"])
    most = max(t["max"] for t in q["tensors"])
    tensors = [(t["tensor"], t["observer"], f"{t['min'] + 0.0:.3f}", f"{t['max']:.3f}",
                range_bar(t["min"], t["max"], least, most)) for t in q["tensors"]]
    share = q["int8_macs_share"]
    parts = [
        "<h1>From float to int8: the glyph network</h1>",
        f'<p class="soft">{network["parameters"]} parameters, {network["nodes"]} nodes; calibrated on {q["samples"]} '
        f'images in {q["wall_s"]:.1f} s; {percent(share)} of the multiply-accumulates are int8.</p>',
        html_table(("", "float", "int8", "change"), rows),
        f'<p class="soft">Latency: one image, one thread, {bench["runs"]} runs, {e(bench["isa"])}. "Answers that changed" '
        "counts test images to which the two networks give different answers, right or wrong. SQNR is the power of the "
        "float outputs over the power of the error. The interval of the change comes from the images on which only one "
        "of the two networks is right.</p>",
        "<h2>What stayed in float, and why</h2>",
        html_table(("node", "operator", "reason"), [(n["node"], n["op"], n["reason"]) for n in q["float_nodes"]])
        if q["float_nodes"] else "<p>Nothing: every node has an integer form and uses it.</p>",
    ]
    if q["repairs"]:
        parts += ["<h2>Weight scales enlarged so that the bias fits 32 bit</h2>",
                  html_table(("weight", "channel", "scale", "became"),
                             [(x["weight"], x["channel"], f"{x['old_scale']:.4g}", f"{x['new_scale']:.4g}")
                              for x in q["repairs"]])]
    parts += [
        "<h2>Choice of ranges</h2>",
        "<p>An observer turns what calibration saw of a tensor into the range that its 256 values cover. adze tried these "
        "for the whole network, and the best one for each tensor (“per tensor”), on calibration images:</p>",
        html_table(("observer", "output SQNR"), [(s["observer"], f"{s['sqnr_db']:.2f} dB") for s in scores]),
        "<p>It took the best. The ranges, all drawn on one axis:</p>",
        html_table(("tensor", "observer", "from", "to", f"{least:.1f} … {most:.1f}"), tensors),
    ]
    return ('<!doctype html><html lang="en"><head><meta charset="utf-8"><title>From float to int8</title>'
            '<meta name="viewport" content="width=device-width">'
            '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; style-src \'unsafe-inline\'; '
            'img-src data:"><link rel="icon" href="data:,">'
            f"<style>{STYLE}</style></head><body>\n" + "\n".join(parts) + "\n</body></html>\n")


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    float_file, int8_file, folder, report = sys.argv[1:]
    results = {f.stem: json.loads(f.read_text()) for f in pathlib.Path(folder).glob("*.json")}
    rows = comparison(float_file, int8_file, results)
    print_table(rows)
    pathlib.Path(report).write_text(page(rows, results), encoding="utf-8")
    print(f"\n{percent(results['quantize']['int8_macs_share'])} of the multiply-accumulates are int8. "
          f"The int8 network: {int8_file}. More: {report}")


if __name__ == "__main__":
    main()
