#!/bin/sh
# Fill the virtual environment in $1 with exactly what the lock files name, and nothing that they do not.
# uv does the work in seconds; where it cannot (another platform, an index it does not reach), pip does the same alone.
set -eu

venv=$1
python=${PYTHON:-python3}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "escrow needs Python 3.11 or newer; say which with: make PYTHON=/path/to/python3.11" >&2
    exit 1
}
[ -x "$venv/bin/python" ] && "$venv/bin/python" -m pip --version >/dev/null 2>&1 || "$python" -m venv --clear "$venv"

pip() { "$venv/bin/python" -m pip --disable-pip-version-check "$@"; }

# uv does not read pip's configuration: hand it the index and the certificates that pip was told to use.
configured() { pip config list 2>/dev/null | sed -n "s/^[a-z:]*\.$1='\(.*\)'\$/\1/p" | head -n 1; }

with_uv() {
    pip install --quiet --require-hashes -r tools.txt || return 1
    index=${UV_DEFAULT_INDEX:-$(configured index-url)}
    [ -z "$index" ] || export UV_DEFAULT_INDEX="$index"
    certificates=${SSL_CERT_FILE:-$(configured cert)}
    [ -z "$certificates" ] || export SSL_CERT_FILE="$certificates"
    export UV_PYTHON_DOWNLOADS=never VIRTUAL_ENV="$venv"
    "$venv/bin/uv" pip sync --quiet --require-hashes requirements-dev.txt tools.txt &&
        "$venv/bin/uv" pip install --quiet --no-deps --no-build-isolation --editable .
}

with_pip() {
    echo "uv could not install; pip does it, more slowly" >&2
    pip install --quiet --require-hashes -r requirements-dev.txt &&
        pip install --quiet --no-deps --no-build-isolation --editable .
}

with_uv || with_pip
# Programs that start often must not compile what they import at every start, not even where writing that is switched off.
"$venv/bin/python" -m compileall -q -j 0 src "$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" >/dev/null || true
