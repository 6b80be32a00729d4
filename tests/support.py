"""What the tests of the program share: calling it, and making its inputs with the standard library alone."""
import ast
import collections
import math
import os
import random
import struct
import subprocess
import zlib

Outcome = collections.namedtuple("Outcome", "code out err")


def call(adze, *arguments, env=None, shell_prefix=None, cwd=None, timeout=60):
    """Runs adze. `shell_prefix` is put before it by a shell, such as "ulimit -f 1;"."""
    command = [adze, *map(str, arguments)]
    if shell_prefix:
        command = ["sh", "-c", shell_prefix + ' "$@"', "sh", *command]
    try:
        p = subprocess.run(command, capture_output=True, env={**os.environ, **(env or {})}, cwd=cwd, timeout=timeout)
    except subprocess.TimeoutExpired:
        return Outcome(-1, "", "still running after %d seconds\n" % timeout)
    return Outcome(p.returncode, p.stdout.decode(errors="replace"), p.stderr.decode(errors="replace"))


def write(path, data):
    with open(path, "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode())
    return str(path)


# ---- npy ----

FORMATS = {"<f4": "f", "<f8": "d", "|u1": "B", "|i1": "b", "<i4": "i", "<i8": "q"}


def npy(values, shape, descr="<f4"):
    header = repr({"descr": descr, "fortran_order": False, "shape": tuple(shape)})
    header += " " * (-(len(header) + 11) % 64) + "\n"
    data = struct.pack("<%d%s" % (len(values), FORMATS[descr]), *values)
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data


def read_npy(path):
    """(values, shape)"""
    with open(path, "rb") as f:
        data = f.read()
    assert data[:8] == b"\x93NUMPY\x01\x00", path
    end = 10 + struct.unpack("<H", data[8:10])[0]
    header = ast.literal_eval(data[10:end].decode())
    kind = FORMATS[header["descr"]]
    return list(struct.unpack("<%d%s" % (math.prod(header["shape"]), kind), data[end:])), header["shape"]


# ---- PNG ----

def png(pixels, width, height):
    """`pixels`: bytes R G B, row by row; fewer than the size claims make a truncated file."""
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    rows = b"".join(b"\0" + pixels[y:y + width * 3] for y in range(0, len(pixels), width * 3))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


# ---- ONNX, as protobuf bytes ----

FLOAT, UINT8, INT64, STRING = 1, 2, 7, 8


def varint(n):
    n &= (1 << 64) - 1
    out = b""
    while n >= 128:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def field(number, value):
    """An integer as a varint, a float as 32 bits, text and bytes with their length."""
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, str):
        value = value.encode()
    return varint(number << 3 | 2) + varint(len(value)) + value


def attribute(name, value):
    if isinstance(value, list):
        return field(1, name) + b"".join(field(8, v) for v in value) + field(20, 7)
    if isinstance(value, int):
        return field(1, name) + field(3, value) + field(20, 2)
    if isinstance(value, float):
        return field(1, name) + field(2, value) + field(20, 1)
    return field(1, name) + field(4, value) + field(20, 3)


def node(op, inputs, outputs, name="", domain="", **attributes):
    return (b"".join(field(1, i) for i in inputs) + b"".join(field(2, o) for o in outputs) + field(3, name) +
            field(4, op) + b"".join(field(5, attribute(k, v)) for k, v in attributes.items()) +
            (field(7, domain) if domain else b""))


def tensor(name, dims, values=None, raw=None, kind=FLOAT, external=None):
    if values is not None:
        raw = struct.pack("<%d%s" % (len(values), {FLOAT: "f", INT64: "q", UINT8: "B"}[kind]), *values)
    out = b"".join(field(1, d) for d in dims) + field(2, kind) + field(8, name)
    if external is None:
        return out + field(9, raw)
    return out + b"".join(field(13, field(1, k) + field(2, str(v))) for k, v in external.items()) + field(14, 1)


def value_info(name, dims, kind=FLOAT):
    shape = b"".join(field(1, field(2, d) if isinstance(d, str) else field(1, d)) for d in dims)
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, shape)))


def onnx(nodes, inputs=(), outputs=(), tensors=(), opsets=(("", 17),), ir_version=8):
    graph = (b"".join(field(1, n) for n in nodes) + field(2, "made") + b"".join(field(5, t) for t in tensors) +
             b"".join(field(11, i) for i in inputs) + b"".join(field(12, o) for o in outputs))
    return (field(1, ir_version) + field(7, graph) +
            b"".join(field(8, field(1, d) + field(2, v)) for d, v in opsets))


# ---- a small network and its data ----

CLASSES = 5
SIZE = 8


def floats(n, scale, seed):
    generator = random.Random(seed)
    return [struct.unpack("<f", struct.pack("<f", generator.gauss(0, scale)))[0] for _ in range(n)]


def small_network(batch="N"):
    """Convolution, Relu, depthwise convolution, addition, pooling, Gemm; the text form, input [batch,3,8,8]."""
    def const(name, shape, scale, seed):
        n = math.prod(shape)
        return "  const %%%s : float32%s = [%s]\n" % (
            name, str(list(shape)).replace(" ", ""), ", ".join(map(repr, floats(n, scale, seed))))
    return ('graph "small" {\n  input %%x : float32[%s,3,%d,%d]\n' % (batch, SIZE, SIZE) +
            const("w1", (8, 3, 3, 3), 0.3, 1) + const("b1", (8,), 0.2, 2) +
            const("w2", (8, 1, 3, 3), 0.4, 3) + const("b2", (8,), 0.2, 4) +
            const("w3", (CLASSES, 8), 0.8, 5) + const("b3", (CLASSES,), 0.1, 6) +
            '  %c1 = Conv(%x, %w1, %b1) {kernel_shape=[3,3], pads=[1,1,1,1]} "conv1"\n'
            '  %r1 = Relu(%c1) "relu1"\n'
            '  %c2 = Conv(%r1, %w2, %b2) {group=8, kernel_shape=[3,3], pads=[1,1,1,1]} "depthwise"\n'
            '  %r2 = Relu(%c2) "relu2"\n'
            '  %a = Add(%r1, %r2) "add"\n'
            '  %p = GlobalAveragePool(%a) "pool"\n'
            '  %f = Flatten(%p) {axis=1} "flatten"\n'
            '  %y = Gemm(%f, %w3, %b3) {transB=1} "gemm"\n'
            '  output %y\n}\n')


def small_images(folder, count):
    """PNG files 000.png … of a size that needs a resize, labels.txt, data.yaml; returns the path of data.yaml."""
    os.makedirs(os.path.join(folder, "images"))
    generator = random.Random(7)
    lines = []
    for i in range(count):
        width, height = 10 + i % 3, 9 + i % 4
        # A colour gradient per picture and noise: pictures must differ more than noise does.
        base = [generator.randrange(256) for _ in range(6)]
        pixels = bytes(
            max(0, min(255, base[c] + (base[3 + c] - base[c]) * (x + y) // (width + height) +
                       generator.randrange(-40, 40)))
            for y in range(height) for x in range(width) for c in range(3))
        write(os.path.join(folder, "images", "%03d.png" % i), png(pixels, width, height))
        lines.append("%03d.png\t%d\n" % (i, i % CLASSES))
    write(os.path.join(folder, "labels.txt"), "# file, class\n" + "".join(lines))
    return write(os.path.join(folder, "data.yaml"), """
kind: images
root: images
labels: {from: table, file: ../labels.txt}
preprocess:
  resize: {exact: [8, 8]}
  scale: 1/255
  mean: [0.5, 0.45, 0.4]
  std: [0.25, 0.25, 0.25]
splits:
  calibration: {every: 2, offset: 0}
  evaluation: {every: 2, offset: 1}
""")
