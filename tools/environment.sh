# Makes the project's virtual environment: environment.sh FOLDER
set -eu
. "$(dirname "$0")/apt.sh"
venv=$1
python=${PYTHON:-python3}

if ! command -v "$python" >/dev/null 2>&1; then
    echo "$python is not on the PATH; dvt needs Python 3.11 or newer (make PYTHON=/path/to/python3 …)" >&2
    exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "$($python --version) is too old: dvt needs 3.11 or newer (make PYTHON=/path/to/python3 …)" >&2
    exit 1
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    apt_install "this $python cannot make virtual environments (no ensurepip)" "python$version-venv"
fi
[ -x "$venv/bin/python" ] || {
    echo "making $venv with $($python --version)"
    "$python" -m venv "$venv"
}
