#!/bin/sh
# Format, lint, types, import direction: every check runs, whatever the ones before it said.
cd "$(dirname "$0")/.." || exit 1
status=0
for check in "ruff format --check ." "ruff check ." mypy lint-imports; do
    printf '== %s\n' "$check"
    # shellcheck disable=SC2086
    .venv/bin/$check || status=1
done
exit $status
