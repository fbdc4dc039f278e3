# PostgreSQL and MariaDB, whose programs the tests and benchmarks start by themselves, in folders of their own.
set -eu
. "$(dirname "$0")/apt.sh"

postgres() {
    command -v initdb >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1
}

mariadb_server() {
    command -v mariadbd >/dev/null 2>&1 || [ -x /usr/sbin/mariadbd ]
}

missing=""
postgres || missing="postgresql postgresql-client"
mariadb_server || missing="$missing mariadb-server mariadb-client"
# shellcheck disable=SC2086
[ -z "$missing" ] || apt_install "the tests start real database servers, and these are not here" $missing
