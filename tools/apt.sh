# Sourced by the scripts beside it: installs Debian packages as root or with sudo, or says what to do.

# apt_install WHY PACKAGE...: installs the packages, or explains and returns 1.
apt_install() {
    why=$1
    shift
    manual="$why: please install these packages (or your system's own), then run make again: $*"
    find_root "$manual" "sudo apt-get install $*" || return 1
    echo "$why: installing with apt: $*"
    log=$(mktemp)
    if apt_update >"$log" 2>&1 &&
        $as_root DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@" \
            >>"$log" 2>&1 </dev/null; then
        rm -f "$log"
        return 0
    fi
    tail -n 15 "$log" >&2
    rm -f "$log"
    echo "apt could not install them; its last words are above. $manual" >&2
    return 1
}

# apt_update: gets the lists of packages; find_root goes before.
apt_update() {
    $as_root DEBIAN_FRONTEND=noninteractive apt-get update -q </dev/null
}

# find_root MANUAL COMMAND: sets as_root to what runs a command as root, or explains and returns 1.
find_root() {
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "$1" >&2
        return 1
    fi
    if [ "$(id -u)" = 0 ]; then
        as_root="env"
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        as_root="sudo -n env"
    elif command -v sudo >/dev/null 2>&1 && [ -t 0 ]; then
        as_root="sudo env"
    else
        echo "$1" >&2
        echo "    $2    (this user is not root, and sudo would ask for a password)" >&2
        return 1
    fi
}
