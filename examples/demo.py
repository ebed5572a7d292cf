"""Run all calls on the local server, without an account or network.

python examples/demo.py            run the quickstarts against examples/project.yaml
python examples/demo.py PROJECT    evaluate every entity of a project for a few users

PROJECT is a project file, or a config specs file of a real project.
"""

import asyncio
import json
import os
import sys
from collections import Counter
from pathlib import Path

import async_quickstart
import measure_lift
import quickstart
import typed_flags

from statsig_api_client import JsonValue, Statsig, StatsigUser
from statsig_api_client.local import LocalServer, ProjectError, RecordedEvent

SHOP = Path(__file__).with_name("project.yaml")
SHOWN = 40
USERS = (
    StatsigUser(user_id="ada", email="ada@example.com", country="GB", custom={"plan": "pro"}),
    StatsigUser(user_id="bob", email="bob@statsig.com", country="US", app_version="2.1.0"),
    StatsigUser(custom_ids={"companyID": "acme", "stableID": "device-1"}, locale="en_NZ"),
)


def main() -> int:
    """Serve a project, evaluate it and print the recorded exposures and events."""
    project = Path(sys.argv[1]) if len(sys.argv) > 1 else SHOP
    try:
        server = LocalServer(project)
    except ProjectError as error:
        print(error, file=sys.stderr)
        return 2
    with server:
        title(f"{project.name} at {server.url}")
        os.environ |= {"STATSIG_API_KEY": server.secret_key, "STATSIG_BASE_URL": server.url}
        if project == SHOP:
            title("examples/quickstart.py")
            quickstart.main()
            title("examples/async_quickstart.py")
            asyncio.run(async_quickstart.main())
            title("examples/typed_flags.py")
            typed_flags.main()
        else:
            evaluate_everything(server)
        show_recorded(server)
        if project == SHOP:
            title(f"examples/measure_lift.py: {measure_lift.SHOPPERS:,} simulated shoppers")
            server.reset()
            with Statsig() as statsig:
                measure_lift.simulate(statsig)
            measure_lift.print_lift(measure_lift.measure(server.url))
    return 0


def evaluate_everything(server: LocalServer) -> None:
    """Evaluate every gate, config, experiment and layer for each user."""
    with Statsig() as statsig:
        for user in USERS:
            title(f"user {user.user_id or dict(user.custom_ids or {})}")
            for name in server.gates:
                gate = statsig.check_gate(user, name)
                row("gate", name, gate.value, gate.rule_id)
            for name in server.configs:
                config = statsig.get_config(user, name)
                row("config", name, config.value, config.rule_id)
            for name in server.experiments:
                experiment = statsig.get_experiment(user, name)
                row("experiment", name, experiment.value, experiment.group_name)
            for name in server.layers:
                layer = statsig.get_layer(user, name)
                row("layer", name, layer.value, layer.allocated_experiment_name)
            statsig.log_event(user, "demo_finished")


def show_recorded(server: LocalServer) -> None:
    """Print the exposures and events that the server recorded."""
    exposures, events = server.exposures(), server.events()
    title(f"{len(exposures)} recorded exposures")
    if len(exposures) <= SHOWN:
        for exposure in exposures:
            print(f"    {who(exposure):8} {exposure.name:20} by rule {exposure.rule_id}")
    else:
        counts = Counter(exposure.event_name for exposure in exposures)
        for name, count in sorted(counts.items()):
            print(f"    {count:6} {name}")
    title(f"{len(events)} recorded events")
    for event in events:
        value, details = event.value, event.metadata
        print(f"    {who(event):8} {event.event_name:20} {value!r:10} {details or ''}".rstrip())


def who(event: RecordedEvent) -> str:
    """Return the user ID of an event."""
    return str(event.user.get("userID") or "no ID")


def title(text: str) -> None:
    """Print a heading."""
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n== {text}")


def row(kind: str, name: str, value: JsonValue, why: str | None) -> None:
    """Print one evaluation."""
    shown = json.dumps(value, ensure_ascii=False)
    shown = shown if len(shown) <= 48 else f"{shown[:47]}…"
    print(f"  {kind:10} {name[:40]:40} {shown:48} {why or '-'}")


if __name__ == "__main__":
    sys.exit(main())
