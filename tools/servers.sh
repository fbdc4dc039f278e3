# PostgreSQL and MariaDB, whose programs the tests and benchmarks start by themselves, in folders of their own.
set -eu
. "$(dirname "$0")/apt.sh"

postgres() {
    command -v initdb >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1
}

mariadb_server() {
    command -v mariadbd >/dev/null 2>&1 || [ -x /usr/sbin/mariadbd ]
}

missing() {
    postgres || printf ' postgresql postgresql-client'
    mariadb_server || printf ' mariadb-server mariadb-client'
}

packages=$(missing)
if [ -n "$packages" ]; then
    # shellcheck disable=SC2086
    apt_install "the tests start real database servers, and these are not here" $packages
    packages=$(missing)
    if [ -n "$packages" ]; then
        echo "apt installed them, but initdb or mariadbd is still not to be found; packages:$packages" >&2
        exit 1
    fi
fi
