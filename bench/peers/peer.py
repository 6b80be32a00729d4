"""What the scripts of other quantizers share. Each is a process of its own, in the environment its package needs:
    python bench/peers/NAME.py MODEL.onnx SAMPLES.npy OUT.onnx '{"option": value}'
and says on its last line, as JSON, how much memory it took at most."""
import json
import sys

import numpy as np


def input_name(model):
    import onnx
    graph = onnx.load(model).graph
    weights = {w.name for w in graph.initializer}
    return next(i.name for i in graph.input if i.name not in weights)


def batches(name, samples):
    """One sample at a time, as networks with a fixed batch take them."""
    return [{name: x[None]} for x in samples]


def one_thread():
    """Every session that a quantizer opens computes on one thread, as adze is told to."""
    import onnxruntime
    session = onnxruntime.InferenceSession

    class OneThread(session):
        def __init__(self, path_or_bytes, sess_options=None, *rest, **named):
            options = sess_options or onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            super().__init__(path_or_bytes, options, *rest, **named)

    onnxruntime.InferenceSession = OneThread


def main(quantize):
    one_thread()
    model, samples, out, options = sys.argv[1:5]
    quantize(model, np.load(samples), out, **json.loads(options))
    with open("/proc/self/status") as f:
        peak = next(int(line.split()[1]) * 1024 for line in f if line.startswith("VmHWM"))
    print(json.dumps({"peak_rss_bytes": peak}))
