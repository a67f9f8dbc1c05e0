"""Simulated devices on a real wire: one TCP port, or one pty as an RTU bus. For the demo, tests and `sentinel simulate`.

The only importer of `pymodbus.server`, which costs 18 MiB; the daemon never imports this.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

from pymodbus.constants import ExcCodes
from pymodbus.exceptions import NoSuchIdException
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice
from pymodbus.simulator.simcore import SimCore

from drivers.sim.device import Fault, Refused, SimulatedDevice
from drivers.sim.pty_pair import PtyPair
from sentinel.ports import Table

if TYPE_CHECKING:
    import asyncio
    from pathlib import Path

    from sentinel.core.model import Failure, Value

_TABLES = {1: Table.COIL, 2: Table.DISCRETE, 3: Table.HOLDING, 4: Table.INPUT}
_TABLES |= {5: Table.COIL, 15: Table.COIL, 6: Table.HOLDING, 16: Table.HOLDING}


class Simulator:
    """Any number of devices, each with its own unit, on one wire. `close` when done."""

    def __init__(self, *devices: SimulatedDevice) -> None:
        self.devices = {device.name: device for device in devices}
        if len({device.unit for device in devices}) != len(devices):
            raise ValueError("two devices have one unit")
        if len(self.devices) != len(devices):
            raise ValueError("two devices have one name")
        self._server: ModbusTcpServer | ModbusSerialServer | None = None
        self._pair: PtyPair | None = None

    async def serve_tcp(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen; the port that was taken (0 asks for a free one)."""
        server = ModbusTcpServer(_no_devices(), address=(host, port), ignore_missing_devices=True)
        server.context = _Wire(self, rtu=False)
        await server.serve_forever(background=True)
        self._server = server
        listening = cast("asyncio.Server", server.transport)
        return int(listening.sockets[0].getsockname()[1])

    async def serve_pty(self, link: Path | None = None, baud: int = 9600) -> str:
        """Open a pty as the bus; the path for the other side (`link`, a symlink, when given)."""
        self._pair = PtyPair(link)
        server = ModbusSerialServer(
            _no_devices(), port=self._pair.ours, baudrate=baud, ignore_missing_devices=True
        )  # fmt: skip
        server.context = _Wire(self, rtu=True)
        await server.serve_forever(background=True)
        self._server = server
        return self._pair.theirs

    async def set(self, point: str, value: Value) -> None:
        """`await sim.set("panel.di1", True)`."""
        device, _, name = point.partition(".")
        self.devices[device].set(name, value)

    async def get(self, point: str) -> Value | Failure:
        """What a reader would make of "panel.di1" now."""
        device, _, name = point.partition(".")
        return self.devices[device].get(name)

    async def fault(self, device: str, fault: Fault | None) -> None:
        """Break the device in this way, or mend it (None)."""
        self.devices[device].fault = fault

    async def close(self) -> None:
        """Leave the wire."""
        if self._server is not None:
            await self._server.shutdown()  # type: ignore[no-untyped-call]
        if self._pair is not None:
            self._pair.close()


def _no_devices() -> list[SimDevice]:
    """pymodbus wants one before its store can be replaced by ours."""
    return [SimDevice(0, simdata=[SimData(0, values=0, datatype=DataType.REGISTERS)])]


class _Wire(SimCore):
    """pymodbus's store, answered from our devices: it gives addresses, refusals and silence per unit, theirs does not."""

    def __init__(self, simulator: Simulator, *, rtu: bool) -> None:
        self._units = {device.unit: device for device in simulator.devices.values()}
        self._rtu = rtu

    def device_ids(self) -> list[int]:
        return list(self._units)

    async def async_getValues(  # noqa: N802 pymodbus's name
        self, device_id: int, func_code: int, address: int, count: int = 1
    ) -> list[int] | list[bool] | ExcCodes:
        device = self._reached(device_id)
        if isinstance(device, ExcCodes):
            return device
        try:
            words = device.read(_TABLES[func_code], address, count, time.monotonic())
        except Refused as refused:
            return ExcCodes(refused.code)
        return [bool(word) for word in words] if func_code in (1, 2, 5, 15) else words

    async def async_setValues(  # noqa: N802 pymodbus's name
        self, device_id: int, func_code: int, address: int, values: list[int] | list[bool]
    ) -> ExcCodes | None:
        device = self._reached(device_id)
        if isinstance(device, ExcCodes):
            return device
        try:
            device.write(_TABLES[func_code], address, values)
        except Refused as refused:
            return ExcCodes(refused.code)
        return None

    def _reached(self, unit: int) -> SimulatedDevice | ExcCodes:
        device = self._units.get(unit)
        if device is None or device.fault is Fault.ABSENT:
            if self._rtu:
                raise NoSuchIdException("nobody has this unit")
            return ExcCodes.GATEWAY_NO_RESPONSE
        if device.fault is Fault.SILENT:
            raise NoSuchIdException("silent")
        return device
