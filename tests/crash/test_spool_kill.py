"""kill -9 of a program that fills, reads and forgets its spool: every line it was promised is there, in order, once.

20 times here; `make crash` does it 1,000 times (SENTINEL_KILLS).
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import textwrap
import time
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from sentinel.telemetry.minutes import MOST_ROWS
from sentinel.telemetry.model import Counts, Keep
from sentinel.telemetry.store import Store

if TYPE_CHECKING:
    from pathlib import Path

KILLS = int(os.environ.get("SENTINEL_KILLS", "20"))
SEED = int(os.environ.get("SENTINEL_SEED", "7"))
KEEP = Keep(3650, 64 * 2**20)
FLUSH = 50  # lines; the i-th line ever made says so
MINUTE = 29_916_600

# Says what it was promised (`took`) and what reached its server (`sent`) in files: what is written there outlives a kill.
CHILD = textwrap.dedent("""
    import asyncio, os, random, sys
    from pathlib import Path
    from sentinel.telemetry.model import Flush, Poison, Summary
    from sentinel.telemetry.spool import Spool
    from tests.crash.test_spool_kill import FLUSH, KEEP, MINUTE

    folder, dice = Path(sys.argv[1]), random.Random(int(sys.argv[2]))
    took = os.open(folder / "took", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    sent = os.open(folder / "sent", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    async def fill(spool):
        while True:
            made = spool.counts().made
            at = (MINUTE + made // FLUSH) * 60_000
            lines = tuple(f"x n={n}i {at}" for n in range(made, made + FLUSH))
            await spool.append(Flush(lines, at, at, {at // 60_000: {f"p{n}": Summary(0, made, made) for n in range(9)}}))
            os.write(took, f"{made + FLUSH}\\n".encode())
            await asyncio.sleep(dice.choice((0, 0, 0.002, 0.01)))

    async def send(spool):
        while True:
            batch = await spool.read(dice.choice((1, 200, 2000)))
            if batch is None or dice.random() < 0.3:
                await asyncio.sleep(0.005)
                continue
            numbers = [int(line.split(b"=")[1].split(b"i")[0]) for line in batch.lines]
            os.write(sent, f"{os.getpid()} {numbers[0]} {numbers[-1] + 1} {len(numbers)}\\n".encode())
            bad = [Poison(batch.lines[0].decode(), "no")] if dice.random() < 0.2 else []
            await spool.done(batch.upto, len(numbers) - len(bad), bad)

    async def main():
        spool = Spool(folder / "telemetry.db", KEEP, forward=True)
        await spool.open()
        os.write(took, f"{spool.counts().made}\\n".encode())
        await asyncio.gather(fill(spool), send(spool))

    asyncio.run(main())
""")


@pytest.mark.real
@pytest.mark.timeout(0 if KILLS > 20 else 120)
def test_killed_at_random_instants_it_loses_no_line_it_took(tmp_path: Path) -> None:
    dice = random.Random(SEED)
    for kill in range(KILLS):
        said = len(told(tmp_path / "took"))
        with subprocess.Popen([sys.executable, "-c", CHILD, str(tmp_path), str(kill)], stderr=subprocess.PIPE) as child:
            while len(told(tmp_path / "took")) == said and child.poll() is None:
                time.sleep(0.01)
            time.sleep(dice.uniform(0, 0.4))
            assert child.poll() is None, child.stderr and child.stderr.read().decode()
            child.kill()
        check(tmp_path)
    assert len(told(tmp_path / "took")) > 5 * KILLS, "the load was no load"


def told(path: Path) -> list[str]:
    """Whole lines of a file that may not be there yet."""
    return path.read_text(encoding="ascii").splitlines() if path.exists() else []


def check(folder: Path) -> None:
    """The promises, held against what the program had said before it was killed."""
    (folder / "copy").mkdir(exist_ok=True)
    for file in folder.glob("telemetry.db*"):  # the file itself is left for the next run to recover
        shutil.copy(file, folder / "copy")
    store = Store(folder / "copy" / "telemetry.db", KEEP, forward=True, known=Counts())
    counts = store.counts()
    waiting: list[int] = []
    flushes = range(counts.made // FLUSH)[-MOST_ROWS:]
    plot = store.plot("p3", (MINUTE + flushes.start) * 60, (MINUTE + flushes.stop) * 60, MOST_ROWS)
    while (batch := store.read(5000)) is not None:
        waiting += [int(line.split(b"=")[1].split(b"i")[0]) for line in batch.lines]
        store.done(batch.upto, len(batch.lines), ())
    store.close()
    shutil.rmtree(folder / "copy")
    assert not folder.joinpath("telemetry.db.damaged").exists()

    # All that was taken is there; at most the flush that was under way is there beside.
    taken = max((int(line) for line in told(folder / "took")), default=0)
    assert taken <= counts.made <= taken + FLUSH
    assert counts.made == counts.written + counts.waiting + counts.dropped + counts.poisoned
    assert counts.dropped == 0
    assert waiting == list(range(counts.made - counts.waiting, counts.made)), "in order, each once"

    # What waits no more has reached the server. Each run begins where the one before ended, or a little earlier.
    sent: dict[str, list[tuple[int, int]]] = {}
    for line in told(folder / "sent"):
        run, first, end, count = line.split()
        assert int(end) - int(first) == int(count)
        sent.setdefault(run, []).append((int(first), int(end)))
    reached = 0
    for batches in sent.values():
        assert batches[0][0] <= reached, "nothing is left out"
        assert all(one[1] == two[0] for one, two in pairwise(batches)), "in one run nothing is sent twice"
        reached = max(reached, batches[-1][1])
    assert counts.made - counts.waiting <= reached

    # A minute each flush: the plot is as full as the spool.
    assert list(plot.last) == [float(number * FLUSH) for number in flushes]
