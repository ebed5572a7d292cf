"""The commands that evaluate: gates, configs, experiments, layers."""

from collections.abc import Iterable
from typing import Unpack

import click

from .._client import Statsig
from ..generated import FeatureGate
from .connection import ConnectionOptions, client, connection_options
from .exits import Exit
from .help import examples, json_option, options
from .output import show
from .users import UserOptions, user_of, user_options

_evaluation_options = options(
    user_options,
    click.option("--no-exposures", is_flag=True, help="Statsig logs no exposures."),
    json_option,
    connection_options,
)
_exit_code_option = click.option(
    "--exit-code", is_flag=True, help="Exit with status 1 when a gate does not pass."
)


class EvaluationOptions(UserOptions, ConnectionOptions):
    """What `_evaluation_options` give a command."""

    no_exposures: bool
    as_json: bool


def _client(given: EvaluationOptions) -> Statsig:
    return client(given, log_exposures=not given["no_exposures"])


@click.command(
    epilog=examples(
        "statsig-api check-gate new_checkout --user-id 42 --custom plan=pro",
        "statsig-api check-gate new_checkout --user user.json | jq .value",
        "statsig-api check-gate new_checkout --user-id 42 --exit-code && ./new-checkout",
    )
)
@click.argument("gate")
@_exit_code_option
@_evaluation_options
def check_gate(gate: str, *, exit_code: bool, **given: Unpack[EvaluationOptions]) -> int:
    """Tell whether a feature gate passes for a user."""
    user = user_of(given)
    with _client(given) as statsig:
        gates = [statsig.check_gate(user, gate)]
    return _gates(gates, exit_code=exit_code, as_json=given["as_json"])


@click.command(
    epilog=examples(
        "statsig-api check-gates new_checkout staff_tools --user-id 42",
        "statsig-api check-gates new_checkout staff_tools --custom-id companyID=c1 --json",
    )
)
@click.argument("gates", nargs=-1, required=True)
@_exit_code_option
@_evaluation_options
def check_gates(
    gates: tuple[str, ...], *, exit_code: bool, **given: Unpack[EvaluationOptions]
) -> int:
    """Tell of up to 100 feature gates whether they pass for a user, in one request."""
    user = user_of(given)
    with _client(given) as statsig:
        answered = statsig.check_gates(user, gates)
    return _gates(answered.values(), exit_code=exit_code, as_json=given["as_json"])


@click.command(
    epilog=examples(
        "statsig-api get-config homepage --user-id 42",
        "statsig-api get-config homepage --user-id 42 | jq -r .value.button_color",
    )
)
@click.argument("config")
@_evaluation_options
def get_config(config: str, **given: Unpack[EvaluationOptions]) -> int:
    """Show a user's dynamic config."""
    user = user_of(given)
    with _client(given) as statsig:
        show(statsig.get_config(user, config), as_json=given["as_json"])
    return Exit.OK


@click.command(
    epilog=examples(
        "statsig-api get-experiment logo_test --user-id 42",
        "statsig-api get-experiment logo_test --user-id 42 --no-exposures --json",
    )
)
@click.argument("experiment")
@_evaluation_options
def get_experiment(experiment: str, **given: Unpack[EvaluationOptions]) -> int:
    """Show a user's group in an experiment, and its parameters."""
    user = user_of(given)
    with _client(given) as statsig:
        show(statsig.get_experiment(user, experiment), as_json=given["as_json"])
    return Exit.OK


@click.command(
    epilog=examples(
        "statsig-api get-layer product_page --user-id 42",
        "statsig-api get-layer product_page --user-id 42 --environment staging",
    )
)
@click.argument("layer")
@_evaluation_options
def get_layer(layer: str, **given: Unpack[EvaluationOptions]) -> int:
    """Show a user's parameters in a layer, and the experiment that gives them."""
    user = user_of(given)
    with _client(given) as statsig:
        show(statsig.get_layer(user, layer), as_json=given["as_json"])
    return Exit.OK


def _gates(gates: Iterable[FeatureGate], *, exit_code: bool, as_json: bool) -> int:
    status = Exit.OK
    for gate in gates:
        show(gate, as_json=as_json)
        if exit_code and not gate:
            status = Exit.DOES_NOT_PASS
    return status
