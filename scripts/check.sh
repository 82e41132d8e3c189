#!/bin/sh
# Format, lint, types, import direction: every check runs, whatever the ones before it said.
cd "$(dirname "$0")/.." || exit 1
status=0
for check in "ruff format --check ." "ruff check ." mypy lint-imports; do
    printf '== %s\n' "$check"
    # shellcheck disable=SC2086
    .venv/bin/$check || status=1
done
printf '== files of more than 300 lines say why\n'
git ls-files '*.py' '*.js' '*.css' '*.sh' '*.sql' | grep -v /vendor/ | while read -r file; do
    [ ! -f "$file" ] || [ "$(wc -l <"$file")" -le 300 ] || grep -q 'Longer than 300 lines: ' "$file" ||
        echo "$file: split it, or say in it why it is \"Longer than 300 lines: ...\""
done | grep . && status=1
exit $status
