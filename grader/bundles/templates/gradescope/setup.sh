#!/usr/bin/env bash
# Gradescope runs this once, as root, while it builds the image.  All that is downloaded is
# downloaded here; versions are pinned in harness/requirements.txt.
set -euo pipefail
source=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
harness=$source/harness
environment=$(dirname "$source")/environment

find_python() {
  local candidate
  for candidate in python3 python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
      >/dev/null 2>&1; then
      printf '%s' "$candidate"
      return
    fi
  done
  return 1
}

if ! python=$(find_python); then
  apt-get update -qq
  for version in 3.13 3.12 3.11; do
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      "python$version" "python$version-venv" && break
  done
  python=$(find_python) || { echo "no Python 3.11 to 3.13 for this image: choose Ubuntu 22.04 or newer" >&2; exit 1; }
fi

"$python" -m venv "$environment"
pip() { "$environment/bin/python" -m pip --disable-pip-version-check --no-input --no-cache-dir "$@"; }
pip install -r "$harness/requirements.txt"
pip install --no-deps --no-build-isolation -e "$harness"
"$environment/bin/python" -m compileall -q "$harness/grader" "$harness/utils" || true

# a kernel never needs these, whatever it runs in
chmod -R go= "$source/private"
for judges in "$harness/grader/course" "$harness"/this_course/*; do
  case $judges in */public) ;; *) [ ! -e "$judges" ] || chmod -R go= "$judges" ;; esac
done
