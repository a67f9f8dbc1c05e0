"""The writer is killed with SIGKILL in the middle of its work: what it was told is durable is there, and the chain is whole."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import textwrap
import time
from typing import TYPE_CHECKING

from sentinel.core.facts import NoticeQueued, NoticeSent
from sentinel.core.incident import NoticeState
from sentinel.journal.store import Store
from sentinel.journal.verify import verify
from tests.journal.samples import later

if TYPE_CHECKING:
    from pathlib import Path

# Each acknowledged number goes out unbuffered, after the append has returned and not before.
WRITER = textwrap.dedent("""
    import itertools, os, sys
    from pathlib import Path
    from sentinel.core.facts import NoticeSent
    from sentinel.journal.store import Store
    from tests.journal.samples import NOON, queued, signalled, write

    store = Store.open(Path(sys.argv[1]))
    store.release_all(NOON)
    for n in itertools.count(store.head().seq):
        write(store, signalled(), queued(f"{n}-1", priority=1), queued(f"{n}-2", priority=1))
        os.write(1, b"%d\\n" % store.head().seq)
        for row in store.take(["mqtt"], NOON, 30, 1):
            write(store, NoticeSent(row.notice, row.attempt))
            os.write(1, b"%d\\n" % store.head().seq)
""")


def test_twenty_kills_lose_no_fact_that_was_acknowledged_and_no_notice(path: Path) -> None:
    chance = random.Random(2)
    acknowledged = 0
    for _ in range(20):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        first = writer.stdout.readline()
        time.sleep(chance.uniform(0, 0.06))
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read().split(b"\n")[:-1]
        writer.wait()
        writer.stdout.close()
        acknowledged = int((rest or [first])[-1])
        store = Store.open(path)
        assert store.head().seq >= acknowledged
        store.close()

    assert acknowledged > 100
    report = verify(path)
    assert report.ok, report.why
    store = Store.open(path)
    store.release_all(later(60))
    waiting = {row.notice for row in store.live()}
    asked = {record.fact.notice for record in store.replay() if isinstance(record.fact, NoticeQueued)}
    told = {record.fact.notice for record in store.replay() if isinstance(record.fact, NoticeSent)}
    assert waiting == asked - told != set()
    assert {row.state for row in store.live()} == {NoticeState.PENDING}
    store.close()
