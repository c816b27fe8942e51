#!/bin/sh
# Finds the newest fitting Python and lets it set up everything else (local/setup.py).
# PYTHON=python3.13 chooses one.
set -eu
cd "$(dirname "$0")/.."

fits='import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))'
complete='import ensurepip, venv'
found=""
incomplete=""
for candidate in ${PYTHON:-python3.14 python3.13 python3.12 python3.11 python3 python}; do
    "$candidate" -c "$fits" >/dev/null 2>&1 || continue
    if "$candidate" -c "$complete" >/dev/null 2>&1; then
        found=$candidate
        break
    fi
    incomplete=$candidate
done

if [ -z "$found" ]; then
    if [ -n "$incomplete" ]; then
        echo "$incomplete cannot make virtual environments: install its venv package" \
            "(Debian and Ubuntu: apt-get install $(basename "$incomplete")-venv), then try again." >&2
    elif [ -n "${PYTHON:-}" ]; then
        echo "PYTHON=$PYTHON is no Python from 3.11 to 3.14: name one, or leave it out." >&2
    else
        echo "No Python from 3.11 to 3.14 was found: install one (python.org, or your system's packages), then try again." >&2
    fi
    exit 1
fi
exec "$found" -m local.setup "$@"
