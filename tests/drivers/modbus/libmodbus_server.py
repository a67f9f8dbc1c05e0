"""libmodbus's own server, as a process: `python libmodbus_server.py tcp PORT | rtu PATH BAUD`, memory as JSON on stdin.

What answers is the C library of Debian; this only calls it. It prints "ready" and serves until it is ended.
"""

from __future__ import annotations

import ctypes
import json
import sys

ALL = 65535  # addresses 0 to 65534 of each table
LONGEST = 260


class Mapping(ctypes.Structure):
    """modbus_mapping_t of libmodbus 3.1."""

    _fields_ = (
        ("nb_bits", ctypes.c_int),
        ("start_bits", ctypes.c_int),
        ("nb_input_bits", ctypes.c_int),
        ("start_input_bits", ctypes.c_int),
        ("nb_input_registers", ctypes.c_int),
        ("start_input_registers", ctypes.c_int),
        ("nb_registers", ctypes.c_int),
        ("start_registers", ctypes.c_int),
        ("coil", ctypes.POINTER(ctypes.c_uint8)),
        ("discrete", ctypes.POINTER(ctypes.c_uint8)),
        ("input", ctypes.POINTER(ctypes.c_uint16)),
        ("holding", ctypes.POINTER(ctypes.c_uint16)),
    )


def main() -> None:
    lib = ctypes.CDLL("libmodbus.so.5")
    for name in ("modbus_new_tcp", "modbus_new_rtu"):
        getattr(lib, name).restype = ctypes.c_void_p
    lib.modbus_mapping_new.restype = ctypes.POINTER(Mapping)
    mapping = lib.modbus_mapping_new(ALL, ALL, ALL, ALL)
    for table, words in json.load(sys.stdin).items():
        for address, word in words.items():
            getattr(mapping.contents, table)[int(address)] = word
    kind, place = sys.argv[1], sys.argv[2]
    if kind == "tcp":
        context = ctypes.c_void_p(lib.modbus_new_tcp(b"127.0.0.1", int(place)))
        listening = ctypes.c_int(lib.modbus_tcp_listen(context, 1))
        print("ready", flush=True)
        lib.modbus_tcp_accept(context, ctypes.byref(listening))
    else:
        none = ctypes.c_char(b"N")
        context = ctypes.c_void_p(lib.modbus_new_rtu(place.encode(), int(sys.argv[3]), none, 8, 1))
        lib.modbus_set_slave(context, 1)
        if lib.modbus_connect(context) != 0:
            sys.exit("the port cannot be opened")
        print("ready", flush=True)
    query = (ctypes.c_uint8 * LONGEST)()
    while True:
        length = lib.modbus_receive(context, query)
        if length > 0:
            lib.modbus_reply(context, query, length, mapping)
        elif length < 0 and kind == "tcp":
            return  # the other side is gone


if __name__ == "__main__":
    main()
