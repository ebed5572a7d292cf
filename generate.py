"""Generate `statsig_api_client/generated` from `openapi.yaml`.

    python generate.py                  write the generated code
    python generate.py --check          exit with 1 and a diff if the generated code is out of date
    python generate.py --diff OLD_SPEC  list API changes since OLD_SPEC, and the version bump

Exit codes: 0 success, 1 out of date, 2 invalid spec or command line.
"""

import argparse
import sys
from pathlib import Path

from generator.builder import build_api
from generator.diff import compare
from generator.output import OUTPUT, ROOT, check, target_names, write
from generator.spec import Spec, SpecError


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="compare instead of writing")
    mode.add_argument("--diff", metavar="OLD_SPEC", type=Path, help="compare two specs")
    spec = ROOT / "openapi.yaml"
    parser.add_argument("--spec", type=Path, default=spec, help="default: openapi.yaml")
    output = "default: statsig_api_client/generated"
    parser.add_argument("--output", type=Path, default=OUTPUT, help=output)
    options = parser.parse_args(arguments)
    try:
        if options.diff:
            print_changes(options.diff, options.spec)
        elif options.check:
            return print_check(options.spec, options.output)
        else:
            write(options.spec, options.output)
            print(f"wrote {target_names(options.output)} from {options.spec.name}")
    except (SpecError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; the generated code is unchanged", file=sys.stderr)
        return 130
    return 0


def print_check(spec: Path, output: Path) -> int:
    """Print how the generated code differs from the spec, and return the exit code."""
    lines = check(spec, output)
    sys.stdout.writelines(lines)
    if lines:
        print(f"\n{target_names(output)}: out of date with {spec.name}; run `python generate.py`")
        return 1
    print(f"{target_names(output)}: up to date with {spec.name}")
    return 0


def print_changes(old: Path, new: Path) -> None:
    """Print the API changes from one spec to another, and the version bump they require."""
    changes = compare(build_api(Spec.read(old)), build_api(Spec.read(new)))
    for change in changes:
        print(change)
    print(max((change.bump for change in changes), default="none"))


if __name__ == "__main__":
    sys.exit(main())
