"""Phases about signals: stop."""

from __future__ import annotations

import signal
import time

from stress_harness.connections import DRIPS, drips
from stress_harness.context import HEALTH, Context
from stress_harness.server import Server, describe_end
from stress_harness.swarm import Swarm

DRAIN = 3
"""Seconds of `--shutdown-timeout`."""
GOOD_ENDS = (0, 128 + signal.SIGTERM, -signal.SIGTERM)
"""Exit codes of a server that ended because it was told to."""


def stop(context: Context) -> None:
    """SIGTERM ends within the drain deadline, a second one at once, SIGHUP not at all."""
    arguments = context.having("--shutdown-timeout", str(DRAIN))
    plan = drips(f"/{context.model}")
    with context.server(*arguments) as server, Swarm(server.port, [plan] * DRIPS) as swarm:
        time.sleep(1.0)
        server.send(signal.SIGHUP)
        time.sleep(0.5)
        server.require_alive()
        health = server.ask(HEALTH)
        context.report.check("SIGHUP does not end the server", f"health {health.status}", "200", health.status == 200)
        before = swarm.established()
        server.send(signal.SIGTERM)
        seconds = server.wait(DRAIN + 10)
        _report(context, server, f"SIGTERM while {before} connections drip", seconds, DRAIN + 1.0)
    with context.server(*context.having("--shutdown-timeout", "60")) as server, Swarm(server.port, [plan] * DRIPS):
        time.sleep(1.0)
        server.send(signal.SIGTERM)
        early = server.wait(0.7)
        if early is not None:
            context.report.show("a second SIGTERM ends at once", f"the first ended it after {early:.1f} s", "1 s")
            return
        server.send(signal.SIGTERM)
        _report(context, server, "a second SIGTERM during the drain", server.wait(5), 1.0)


def _report(context: Context, server: Server, promise: str, seconds: float | None, limit: float) -> None:
    code = server.exit_code
    measured = "still there" if seconds is None or code is None else f"{describe_end(code)} after {seconds:.2f} s"
    good = seconds is not None and seconds <= limit and code in GOOD_ENDS
    context.report.check(promise, measured, f"{limit:.0f} s", good)
