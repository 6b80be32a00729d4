"""The rows of bench/accuracy.py as Markdown: halves added up, one table per network, and who beats adze's default in it."""
import numpy as np

from judge import paired_interval, wilson_interval


def pooled(rows):
    """The halves of one method added up."""
    total = dict(rows[0])
    for key in ("samples", "signal", "noise", "kl", "flips", "hits", "reference_hits", "lost", "gained", "detections"):
        if key in total:
            total[key] = sum(r[key] for r in rows)
    for key in ("int8", "weight_bits", "bytes", "wall_s", "cpu_s", "agreement"):
        if key in total:
            total[key] = sum(r[key] for r in rows) / len(rows)
    total["peak_rss_bytes"] = max(r["peak_rss_bytes"] for r in rows)
    total["sqnr"] = 10 * np.log10(total["signal"] / max(total["noise"], 1e-30))
    total["directions"] = len(rows)
    return total


def table(done, cases):
    for case in cases:
        methods = {}
        for (network, method, _), row in done.items():
            if network == case.name:
                methods.setdefault(method, []).append(row)
        failed = {m: x["error"] for m, r in methods.items() for x in r if "error" in x}
        rows = {m: pooled(methods[m]) for m in sorted(methods, key=lambda m: (not m.startswith("adze"), m)) if m not in failed}
        if not rows:
            continue
        first = next(iter(rows.values()))
        labelled, detector = "hits" in first, "agreement" in first
        grid = ", weights on an 8-bit grid already: not for weight claims" if case.weights_on_grid else ""
        print("\n### %s%s\n" % (case.name, grid))
        print("%d samples judged, %d calibrated on%s.\n" % (first["samples"], first["calibration_samples"],
                                                       ", both ways" if len(case.directions) > 1 else ""))
        decisions = "agreement AP50" if detector else "flips"
        print("| method | int8 MACs | %s | %sSQNR | %sfile | time (CPU) | peak memory |" %
              (decisions, "" if detector else "mean KL | ", "top-1, change (95 %) | " if labelled else ""))
        print("|" + "---|" * (6 + (not detector) + labelled))
        top1 = ["%.2f (%.2f to %.2f)" % wilson_interval(first["reference_hits"], first["samples"])] if labelled else []
        print("| float | " + " | ".join([""] * (3 + (not detector)) + top1 + ["1.000", "", ""]) + " |")
        for m, r in rows.items():
            cells = [m + (" (one half)" if r["directions"] < len(case.directions) else ""), "%.1f %%" % (100 * r["int8"]),
                     "%.1f" % r["agreement"] if detector else "%.2f %%" % (100 * r["flips"] / r["samples"])]
            cells += [] if detector else ["%.2e" % (r["kl"] / r["samples"])]
            cells += ["%.2f dB" % r["sqnr"]]
            if labelled:
                change = paired_interval(r["lost"], r["gained"], r["samples"])
                cells += ["%.2f, %+.2f (%+.2f to %+.2f)" % (100 * r["hits"] / r["samples"], *change)]
            cells += ["%.3f" % (r["bytes"] / r["float_bytes"]), "%.0f (%.0f) s" % (r["wall_s"], r["cpu_s"]),
                      "%.0f MB" % (r["peak_rss_bytes"] / 1e6)]
            print("| " + " | ".join(cells) + " |")
        for m, why in failed.items():
            print("| %s | failed: %s |" % (m, why.replace("|", "/")) + " |" * (4 + (not detector) + labelled))
        if "adze" in rows:
            print("\n" + losses(rows))


def losses(rows):
    """Who beats adze's default run by adze, with at least its share of the multiply-accumulates in int8."""
    ours = rows["adze"]
    peers = {m: r for m, r in rows.items() if not m.startswith("adze") and r["int8"] >= ours["int8"] - 5e-4 and
             r["directions"] == ours["directions"]}
    lines = []
    for what, better in (("decisions", lambda r: (r.get("flips", 0), -r.get("agreement", 0))), ("mean KL", lambda r: r.get("kl", 0)),
                         ("SQNR", lambda r: -r["sqnr"])):
        names = sorted((m for m in peers if better(peers[m]) < better(ours)), key=lambda m: better(peers[m]))
        lines.append("%s: %s" % (what, ", ".join(names) or "none"))
    return "Better than adze's default at its share of int8 or more (%d peers): %s." % (len(peers), "; ".join(lines))
