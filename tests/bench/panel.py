"""A bare Modbus TCP server in a process of its own: answers at once, notes when each unit's registers are asked for.

python -m tests.bench.panel PORT      stdin: "di 0 1" sets discrete input 0; "dump" prints the notes as JSON
"""

from __future__ import annotations

import asyncio
import json
import struct
import sys
import time

NOTES: dict[int, list[float]] = {}
FIRST: list[float] = []
INPUTS = bytearray(b"\xff" * 8)  # 64 discrete inputs of every unit
REGISTERS = [index * 7 % 65536 for index in range(200)]


class Server(asyncio.Protocol):
    """One connection. Functions 1 to 4, whole frames only, as our own client sends them."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.buffer = b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while len(self.buffer) >= 12:
            frame, self.buffer = self.buffer[:12], self.buffer[12:]
            tid, _, _, unit, function, address, count = struct.unpack(">HHHBBHH", frame)
            if not FIRST:
                FIRST.append(time.time())
            if function in (3, 4):
                NOTES.setdefault(unit, []).append(time.monotonic())
                body = struct.pack(f">{count}H", *REGISTERS[:count])
            else:
                size = (count + 7) // 8
                bits = int.from_bytes(INPUTS, "little") >> address & ((1 << count) - 1)
                body = bits.to_bytes(size, "little")
            reply = struct.pack(">BBB", unit, function, len(body)) + body
            self.transport.write(struct.pack(">HHH", tid, 0, len(reply)) + reply)  # type: ignore[attr-defined]


async def main(port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Server, "127.0.0.1", port)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with server:
        while line := (await reader.readline()).decode().split():
            if line[0] == "di":
                bit, on = int(line[1]), line[2] == "1"
                INPUTS[bit // 8] = INPUTS[bit // 8] & ~(1 << bit % 8) | (on << bit % 8)
            elif line[0] == "dump":
                print(json.dumps({"notes": NOTES, "first": FIRST}), flush=True)
                NOTES.clear()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
