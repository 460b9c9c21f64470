"""Runs the AVX-512 kernels of a built `hostproof` on an emulated CPU and compares them with the scalar ones.

No machine of the developers need have AVX-512: the machine code of the build under test is executed by Bochs' CPU model
(the PyPI package bochscpu-python), the same inputs go through the scalar kernel of the same build, and every element
that a kernel wrote is compared. The CPU model has AVX-512 and no AMX: the module (0.4.0) knows a Sapphire Rapids by name, but
exports no handler of a tile instruction.

    python3 emulate.py SHIM HOSTPROOF

SHIM is a library with the few functions of glibc 2.38 that the package's module asks for (`glibc238.c` beside this).
"""

import ctypes
import itertools
import random
import re
import struct
import subprocess
import sys

ctypes.CDLL(sys.argv[1], mode=ctypes.RTLD_GLOBAL)
import bochscpu  # noqa: E402
import bochscpu.cpu  # noqa: E402
import bochscpu.memory as memory  # noqa: E402

PAGE = 4096
LARGE = 2 << 20
# Where things lie in the emulated machine; addresses are physical and virtual at once.
TABLES, HALT, STACK, DATA, CODE = 0x10000, 0x20000, 0x100000, 0x200000, 0x10000000
SPAN = 1 << 30


class Machine:
    """A CPU in long mode with the program's segments in its memory."""

    def __init__(self, elf):
        self.pages = {}
        for address, content in elf.segments():
            self.write(CODE + address, content)
        self.write(HALT, b"\xf4")
        # One table of each level: the first GiB in pages of 2 MiB, present and writable.
        self.write(TABLES, struct.pack("<Q", TABLES + PAGE | 3))
        self.write(TABLES + PAGE, struct.pack("<Q", TABLES + 2 * PAGE | 3))
        entries = [page * LARGE | 0x83 for page in range(SPAN // LARGE)]
        self.write(TABLES + 2 * PAGE, struct.pack(f"<{len(entries)}Q", *entries))
        self.session = bochscpu.Session()
        self.session.missing_page_handler = self.page

    def page(self, address):
        """The host's page behind an address, made where there is none."""
        start = address // PAGE * PAGE
        if start not in self.pages:
            self.pages[start] = memory.allocate_host_page()
            ctypes.memset(self.pages[start], 0, PAGE)
            memory.page_insert(start, self.pages[start])
        return self.pages[start]

    def write(self, address, content):
        for start in range(address // PAGE * PAGE, address + len(content), PAGE):
            first, last = max(address, start), min(address + len(content), start + PAGE)
            part = content[first - address : last - address]
            ctypes.memmove(self.page(start) + first - start, part, len(part))

    def read(self, address, size):
        parts = []
        while size > 0:
            here = min(size, PAGE - address % PAGE)
            parts.append(ctypes.string_at(self.page(address) + address % PAGE, here))
            address, size = address + here, size - here
        return b"".join(parts)

    def call(self, function, integers, double=0.0):
        """Calls a function by the System V convention; the low half of xmm0 when it has returned."""
        state = bochscpu.State()
        state.cr3 = TABLES
        state.cr0 = 0x80050033  # paging, protection, numeric errors, no emulation
        state.cr4 = 1 << 5 | 1 << 9 | 1 << 10 | 1 << 18  # PAE, FXSR, SIMD exceptions, XSAVE
        state.efer = 1 << 8 | 1 << 10  # long mode, enabled and active
        state.xcr0 = 0xE7  # x87, SSE, AVX, and the three parts of AVX-512
        state.mxcsr, state.mxcsr_mask, state.rflags = 0x1F80, 0xFFFF, 2
        for name, kind in [("cs", 0xA09B), ("ds", 0xC093), ("es", 0xC093), ("ss", 0xC093), ("fs", 0xC093), ("gs", 0xC093)]:
            segment = bochscpu.Segment()
            segment.present, segment.selector, segment.base, segment.limit, segment.attr = True, 0x10, 0, 0xFFFFFFFF, kind
            setattr(state, name, segment)
        for name, value in zip(("rdi", "rsi", "rdx", "rcx", "r8", "r9"), integers):
            setattr(state, name, value)
        zmm = state.zmm
        zmm[0].q = [struct.unpack("<Q", struct.pack("<d", double))[0]] + [0] * 7
        state.zmm = zmm
        self.write(STACK - 8, struct.pack("<Q", HALT))
        state.rsp, state.rip = STACK - 8, CODE + function
        self.session.cpu.set_state(state)
        faults = []
        hook = bochscpu.Hook()
        hook.hlt = lambda session, cpu: session.stop()

        def fault(session, cpu, vector, code):
            faults.append((vector, session.cpu.rip - CODE))
            session.stop()

        hook.exception = fault
        self.session.run([hook])
        if faults:
            vector, where = faults[0]
            raise RuntimeError(f"exception {vector} at {where:#x}: the emulated CPU does not take an instruction")
        return struct.unpack("<d", struct.pack("<Q", self.session.cpu.state.zmm[0].q[0]))[0]


class Elf:
    """The loadable segments and the functions of a program."""

    def __init__(self, path):
        self.content = open(path, "rb").read()
        self.path = path

    def segments(self):
        offset, size, count = struct.unpack_from("<Q", self.content, 32)[0], *struct.unpack_from("<HH", self.content, 54)
        for number in range(count):
            kind, _, start, address, _, length, _, _ = struct.unpack_from("<IIQQQQQQ", self.content, offset + number * size)
            if kind == 1:
                yield address, self.content[start : start + length]

    def functions(self):
        """(name, address) of all functions, with the names as they are written in Rust."""
        listing = subprocess.run(["nm", "-C", self.path], check=True, capture_output=True, text=True).stdout
        for line in listing.splitlines():
            match = re.fullmatch(r"([0-9a-f]+) [tT] (.*)", line)
            if match:
                yield match[2], int(match[1], 16)


def doubles(content):
    return struct.unpack(f"<{len(content) // 8}d", content)


def close(found, expected):
    """Equal, but for the order of a sum."""
    return found == expected or abs(found - expected) <= 1e-12 * abs(expected)


def stream(machine, name, address, scalar, lines):
    """One bandwidth kernel over chunks of `lines` cache lines."""
    numbers = random.Random(lines)
    arrays = [struct.pack(f"<{8 * lines}d", *(numbers.uniform(-1, 1) for _ in range(8 * lines))) for _ in range(3)]
    places = [DATA, DATA + LARGE, DATA + 2 * LARGE]
    kernel = name.rsplit("::", 1)[1]
    # What a kernel does not read or write is given as an empty slice.
    used = {"read": (0, 1, 0), "write": (1, 0, 0), "copy": (1, 1, 0), "scale": (1, 1, 0), "add_up": (1, 1, 1), "triad": (1, 1, 1)}[kernel]
    results = []
    for function in (scalar, address):
        for place, array in zip(places, arrays):
            machine.write(place, array)
        integers = itertools.chain.from_iterable((place, lines * use) for place, use in zip(places, used))
        value = machine.call(function, list(integers), 0.37)
        results.append((doubles(machine.read(DATA, 64 * lines)), value if kernel == "read" else 0.0))
    (expected, sum_expected), (found, sum_found) = results
    assert all(map(close, found, expected)), f"{name} at {address:#x} differs from the scalar kernel in {lines} lines"
    assert close(sum_found, sum_expected), f"{name} at {address:#x}: {sum_found}, the scalar kernel {sum_expected}"
    assert kernel == "read" or expected != doubles(arrays[0]), f"the scalar {kernel} wrote nothing"
    return lines


def fma(machine, name, address, scalar):
    """A kernel of the FMA peak: each lane of the vectors is followed by the scalar kernel."""
    kind, size, lanes = ("d", 8, 8) if "fp64" in name else ("f", 4, 16)
    numbers = random.Random(lanes)
    vectors = [[numbers.uniform(0.1, 0.9) for _ in range(lanes)] for _ in range(16)]
    pack = lambda values: struct.pack(f"<{len(values)}{kind}", *values)
    # The state is behind a box: the kernel is given the place of a pointer to it.
    machine.write(DATA, struct.pack("<Q", DATA + LARGE))
    machine.write(DATA + LARGE, pack(list(itertools.chain.from_iterable(vectors))))
    machine.call(address, [5, DATA])
    found = machine.read(DATA + LARGE, 12 * lanes * size)
    for lane in range(lanes):
        machine.write(DATA + LARGE, pack([vector[lane] for vector in vectors]))
        machine.call(scalar, [5, DATA])
        expected = machine.read(DATA + LARGE, 12 * size)
        same = all(found[(v * lanes + lane) * size :][:size] == expected[v * size :][:size] for v in range(12))
        assert same, f"{name} differs from the scalar kernel in lane {lane}"


def main():
    elf = Elf(sys.argv[2])
    machine = Machine(elf)
    functions = sorted(elf.functions(), key=lambda entry: entry[1])
    first = {}
    for name, address in functions:
        first.setdefault(name, address)
    counts = {"stream": 0, "dense": 0}
    for name, address in functions:
        if match := re.fullmatch(r"stream::kernel::avx512::(?:(?:non)?temporal::)?(read|write|copy|scale|add_up|triad)", name):
            scalar = "read" if match[1] == "read" else f"temporal::{match[1]}"
            for lines in (1, 7, 64, 333):
                stream(machine, name, address, first[f"stream::kernel::scalar::{scalar}"], lines)
            counts["stream"] += 1
        elif match := re.fullmatch(r"dense::fma::kernels::(fp64|fp32)_avx512", name):
            fma(machine, name, address, first[f"dense::fma::kernels::{match[1]}_scalar"])
            counts["dense"] += 1
    # A check that finds nothing would be none: a kernel that does something else must be told apart.
    try:
        stream(machine, "avx512::temporal::copy", first["stream::kernel::avx512::temporal::scale"], first["stream::kernel::scalar::temporal::copy"], 7)
    except AssertionError:
        pass
    else:
        raise AssertionError("scale passes for copy: the comparison sees nothing")
    # Kernels of one name and store differ in their tuning; fewer than these means that some were not found.
    assert counts["stream"] >= 11 and counts["dense"] == 2, f"kernels are missing in the program: {counts}"
    print(f"AVX-512 on an emulated CPU: {counts['stream']} kernels of stream and {counts['dense']} of dense do as the scalar ones")


main()
