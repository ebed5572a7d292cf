"""Commands that evaluate gates, configs, experiments and layers."""

from collections.abc import Iterable
from typing import Unpack

import click

from .._client import Statsig
from ..generated import FeatureGate
from .exit_codes import ExitCode
from .options import (
    ConnectionOptions,
    UserOptions,
    combine,
    connection_options,
    examples,
    json_option,
    make_client,
    make_user,
    user_options,
)
from .output import print_result

_evaluation_options = combine(
    user_options,
    click.option("--no-exposures", is_flag=True, help="Do not log exposures."),
    json_option,
    connection_options,
)
_exit_code_option = click.option(
    "--exit-code", is_flag=True, help="Exit with 1 if a gate does not pass."
)


class EvaluationArguments(UserOptions, ConnectionOptions):
    """Values of `_evaluation_options`."""

    no_exposures: bool
    as_json: bool


def _make_client(given: EvaluationArguments) -> Statsig:
    return make_client(given, log_exposures=not given["no_exposures"])


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
def check_gate(gate: str, *, exit_code: bool, **given: Unpack[EvaluationArguments]) -> int:
    """Check a feature gate for a user."""
    user = make_user(given)
    with _make_client(given) as statsig:
        gates = [statsig.check_gate(user, gate)]
    return _print_gates(gates, exit_code=exit_code, as_json=given["as_json"])


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
    gates: tuple[str, ...], *, exit_code: bool, **given: Unpack[EvaluationArguments]
) -> int:
    """Check up to 100 feature gates for a user in one request."""
    user = make_user(given)
    with _make_client(given) as statsig:
        checked = statsig.check_gates(user, gates)
    return _print_gates(checked.values(), exit_code=exit_code, as_json=given["as_json"])


@click.command(
    epilog=examples(
        "statsig-api get-config homepage --user-id 42",
        "statsig-api get-config homepage --user-id 42 | jq -r .value.button_color",
    )
)
@click.argument("config")
@_evaluation_options
def get_config(config: str, **given: Unpack[EvaluationArguments]) -> int:
    """Get a dynamic config for a user."""
    user = make_user(given)
    with _make_client(given) as statsig:
        print_result(statsig.get_config(user, config), as_json=given["as_json"])
    return ExitCode.OK


@click.command(
    epilog=examples(
        "statsig-api get-experiment logo_test --user-id 42",
        "statsig-api get-experiment logo_test --user-id 42 --no-exposures --json",
    )
)
@click.argument("experiment")
@_evaluation_options
def get_experiment(experiment: str, **given: Unpack[EvaluationArguments]) -> int:
    """Get an experiment's group and parameters for a user."""
    user = make_user(given)
    with _make_client(given) as statsig:
        print_result(statsig.get_experiment(user, experiment), as_json=given["as_json"])
    return ExitCode.OK


@click.command(
    epilog=examples(
        "statsig-api get-layer product_page --user-id 42",
        "statsig-api get-layer product_page --user-id 42 --environment staging",
    )
)
@click.argument("layer")
@_evaluation_options
def get_layer(layer: str, **given: Unpack[EvaluationArguments]) -> int:
    """Get a layer's parameters for a user, and the experiment that sets them."""
    user = make_user(given)
    with _make_client(given) as statsig:
        print_result(statsig.get_layer(user, layer), as_json=given["as_json"])
    return ExitCode.OK


@click.command(
    epilog=examples(
        "statsig-api get-ranked-list shipping_offers --user-id 42",
        "statsig-api get-ranked-list shipping_offers --user-id 42 | head -1 | jq .value",
    )
)
@click.argument("config")
@_evaluation_options
def get_ranked_list(config: str, **given: Unpack[EvaluationArguments]) -> int:
    """Get the variants of a contextual bandit for a user, best first."""
    user = make_user(given)
    with _make_client(given) as statsig:
        variants = statsig.get_ranked_list(user, config)
    for variant in variants:
        print_result(variant, as_json=given["as_json"])
    return ExitCode.OK


def _print_gates(gates: Iterable[FeatureGate], *, exit_code: bool, as_json: bool) -> int:
    code = ExitCode.OK
    for gate in gates:
        print_result(gate, as_json=as_json)
        if exit_code and not gate:
            code = ExitCode.GATE_FAILED
    return code
