"""One judge for every quantizer's file: its outputs in ONNX Runtime with Q/DQ nodes computed as they stand, in float (this
machine's integer kernels saturate without VNNI, and that loss is not the quantization's; only basic graph optimizations, which
fold constants), what they lose beside the float network, and how much of the network the file quantizes."""
import math

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto

BITS = {TensorProto.INT8: 8, TensorProto.UINT8: 8, TensorProto.INT4: 4, TensorProto.UINT4: 4, TensorProto.INT16: 16,
        TensorProto.UINT16: 16}
MOVES = {"MaxPool", "Reshape", "Transpose", "Flatten", "Squeeze", "Unsqueeze", "Slice", "Identity", "Concat", "Pad", "Relu",
         "Clip", "DepthToSpace", "Gather", "Split"}  # what leaves codes codes
Z95 = 1.959963984540054


def session(model):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def outputs(path, inputs):
    """name: values of all samples, of every output."""
    s = session(path)
    i = s.get_inputs()[0]
    size = 1 if isinstance(i.shape[0], int) else 50
    names = [o.name for o in s.get_outputs()]
    parts = [s.run(None, {i.name: inputs[k:k + size]}) for k in range(0, len(inputs), size)]
    return {n: np.concatenate([p[k] for p in parts]) for k, n in enumerate(names)}


def kl(reference, values):
    """Per sample, in nats, as `adze eval` does: of probabilities as they are, of logits through softmax."""
    p, q = reference.astype(np.float64), values.astype(np.float64)
    if (p >= 0).all() and np.abs(p.sum(1) - 1).max() < 1e-3:
        p, log_q = p, np.log(np.maximum(q, 1e-12))
        log_p = np.log(np.where(p > 0, p, 1))
    else:
        log_p, log_q = (x - x.max(1, keepdims=True) for x in (p, q))
        log_p, log_q = (x - np.log(np.exp(x).sum(1, keepdims=True)) for x in (log_p, log_q))
        p = np.exp(log_p)
    return (p * (log_p - log_q)).sum(1)


def judge(case, reference, values, labels, images=None):
    """Sums over the samples, so that halves can be added. A detector's decisions are its detections."""
    first = next(iter(reference))
    r, v = (x[first].reshape(len(x[first]), -1) for x in (reference, values))
    sums = {"samples": len(r), "signal": float(np.sum(r.astype(np.float64)**2)),
            "noise": float(np.sum((r.astype(np.float64) - v)**2))}
    if case.detector:
        import detect
        found = [[detect.suppress(*case.detector.decode({n: o[k:k + 1] for n, o in x.items()}, image), case.detector.nms)
                  for k, image in enumerate(images)] for x in (reference, values)]
        agreement, count = detect.agreement(*found, case.detector.agree, 0.5)
        return {**sums, "agreement": agreement, "detections": count}
    sums["kl"] = float(kl(r, v).sum())
    theirs, ours = (x[:, case.drop_first:].argmax(1) for x in (r, v))
    sums["flips"] = int((theirs != ours).sum())
    if labels is not None:
        was, is_now = theirs == labels, ours == labels
        sums.update(hits=int(is_now.sum()), reference_hits=int(was.sum()), lost=int((was & ~is_now).sum()),
                    gained=int((~was & is_now).sum()))
    return sums


def judged_by_adze(e, signal):
    """The same sums from `adze eval --reference --json`, for adze's own integer runtime."""
    n = e["samples"]
    sums = {"samples": n, "signal": signal, "noise": signal / 10**((e["sqnr_db"] if e["sqnr_db"] is not None else 400) / 10),
            "kl": e["mean_kl"] * n, "flips": round(e["flip_rate"] * n)}
    if e.get("reference_value") is not None and e["metric"] == "top1":
        gain = round(e["difference"] * n)
        half = (e["difference_ci95"][1] - e["difference_ci95"][0]) / 2 * n
        # Its paired interval is z sqrt(d - gain^2 / n) / n of d samples judged differently, 3 / n of none.
        differ = 0 if gain == 0 and abs(half - 3) < 1e-6 else round((half / Z95)**2 + gain * gain / n)
        sums.update(hits=round(e["value"] * n), reference_hits=round(e["reference_value"] * n), lost=(differ - gain) // 2,
                    gained=(differ + gain) // 2)
    return sums


def paired_interval(lost, gained, samples):
    """Gain in points and its 95 % interval: of the samples that only one of both gets right."""
    gain, differ = gained - lost, gained + lost
    half = Z95 * math.sqrt(differ - gain * gain / samples) if differ else 3
    return tuple(100 * x / samples for x in (gain, gain - half, gain + half))


def wilson_interval(hits, samples):
    """A share in per cent and its 95 % interval (Wilson 1927)."""
    p, z2 = hits / samples, Z95 * Z95
    centre = (p + z2 / (2 * samples)) / (1 + z2 / samples)
    half = Z95 / (1 + z2 / samples) * math.sqrt(p * (1 - p) / samples + z2 / (4 * samples**2))
    return 100 * p, 100 * (centre - half), 100 * (centre + half)


def macs_share(path, x):
    """{"int8": share of the multiply-accumulates whose factors both have at most 8 bits, "weight_bits": their mean width of
    weights}. Shapes are those that ONNX Runtime computes for the sample."""
    model = onnx.load(path)
    graph = model.graph
    constants = {w.name: w.data_type for w in graph.initializer}
    constants.update({n.output[0]: n.attribute[0].t.data_type for n in graph.node
                      if n.op_type == "Constant" and n.attribute[0].name == "value"})
    producer = {o: n for n in graph.node for o in n.output}
    layers = [n for n in graph.node if n.op_type in ("Conv", "Gemm", "MatMul")]
    shapes = {w.name: tuple(w.dims) for w in graph.initializer}
    shapes.update({n.output[0]: tuple(n.attribute[0].t.dims) for n in graph.node
                   if n.op_type == "Constant" and n.attribute[0].name == "value"})
    wanted = {t for n in layers for t in (n.output[0], n.input[1])} - shapes.keys()
    del graph.output[:]
    graph.output.extend(onnx.ValueInfoProto(name=t) for t in sorted(wanted))
    s = session(model.SerializeToString())
    shapes.update({o.name: v.shape for o, v in zip(s.get_outputs(), s.run(None, {s.get_inputs()[0].name: x[None]}))})

    def bits(tensor):
        node = producer.get(tensor)
        if node is None:
            return 32
        if node.op_type in MOVES:
            return max(bits(t) for t in (node.input if node.op_type == "Concat" else node.input[:1]))
        if node.op_type != "DequantizeLinear":
            return 32
        code = node.input[0]
        if code in constants:
            return BITS.get(constants[code], 32)
        q = producer.get(code)
        while q is not None and q.op_type in MOVES:
            code = q.input[0]
            q = producer.get(code)
        if code in constants:
            return BITS.get(constants[code], 32)
        if q is None or q.op_type != "QuantizeLinear":
            return 32
        if len(q.input) > 2 and q.input[2] in constants:
            return BITS.get(constants[q.input[2]], 32)
        return BITS.get(next((a.i for a in q.attribute if a.name == "output_dtype"), TensorProto.UINT8), 32)

    total = quantized = weight_bits = 0
    for n in layers:
        b = shapes[n.input[1]]
        if n.op_type == "Conv":
            depth = math.prod(b[1:])
        elif n.op_type == "Gemm" and any(a.name == "transB" and a.i for a in n.attribute):
            depth = b[1]
        else:
            depth = b[-2] if len(b) > 1 else b[0]
        macs = math.prod(shapes[n.output[0]]) * depth
        total += macs
        if max(bits(n.input[0]), bits(n.input[1])) <= 8:
            quantized += macs
            weight_bits += macs * bits(n.input[1])
    return {"int8": quantized / total, "weight_bits": weight_bits / quantized if quantized else 32}
