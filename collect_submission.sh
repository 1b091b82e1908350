#!/usr/bin/env bash
# Checks your notebooks and packs them for handing in:  ./collect_submission.sh team_7
# The work is done by utils/handin.py; this finds a Python to run it with (Linux, macOS, Git Bash).
set -u

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)" || exit 2
packer="$here/utils/handin.py"
for needed in "$packer" "$here/utils/packing/__init__.py"; do
    if [ ! -f "$needed" ]; then
        echo "collect_submission.sh: $needed is missing; put the course's folder utils/ back." >&2
        exit 2
    fi
done

# A name that exists need not work: on Windows "python3" may be a stub that opens the shop.
works() {
    "$@" -c 'import sys; sys.exit(sys.version_info < (3, 8))' >/dev/null 2>&1
}

for python in python3 python "$here/.venv/bin/python" "$here/.venv/Scripts/python.exe"; do
    if works "$python"; then
        exec "$python" -I -B "$packer" "$@"
    fi
done
if works py -3; then
    exec py -3 -I -B "$packer" "$@"
fi
echo "collect_submission.sh: no Python 3.8 or newer was found." >&2
echo "Run this in the terminal in which you start Jupyter, after 'conda activate'." >&2
exit 2
