# MinIO, fake-gcs-server and Azurite, which the tests of buckets start by themselves; each is got once, in a cache.
set -eu
. "$(dirname "$0")/apt.sh"

cache=${XDG_CACHE_HOME:-$HOME/.cache}/dvt-test-servers

# new_folder NAME: makes a folder, renamed when what is in it is whole: another checkout may be making it, too.
new_folder() {
    mkdir -p "$cache"
    new=$(mktemp -d "$cache/$1.XXXXXX")
    trap 'rm -rf "$new"' EXIT
}

# go_program NAME PACKAGE VERSION: builds a program into a folder of its own, unless it is there.
go_program() {
    name=$1 folder=$cache/$1-$3
    [ -x "$folder/$name" ] && return 0
    PATH=$PATH:/usr/local/go/bin
    if ! command -v go >/dev/null 2>&1; then
        apt_install "the tests start $name, which is built with Go" golang-go
    fi
    echo "building $name $3 into $folder, once: up to some minutes"
    new_folder "$name"
    (cd "$new" && GOBIN=$new CGO_ENABLED=0 go install "$2@$3" >"$new/log" 2>&1) || {
        tail -n 15 "$new/log" >&2
        echo "go could not build $name; its last words are above" >&2
        return 1
    }
    [ -x "$folder/$name" ] || mv "$new" "$folder"
}

# node_program NAME VERSION: installs a package of npm into a folder of its own, unless it is there.
node_program() {
    folder=$cache/$1-$2
    [ -d "$folder" ] && return 0
    if ! command -v node >/dev/null 2>&1 || ! command -v npm >/dev/null 2>&1; then
        apt_install "the tests start $1, which needs Node.js" nodejs npm
    fi
    echo "installing $1 $2 into $folder, once"
    new_folder "$1"
    npm install --silent --no-progress --no-fund --no-audit --ignore-scripts --prefix "$new" "$1@$2" >"$new/log" 2>&1 || {
        tail -n 15 "$new/log" >&2
        echo "npm could not install $1; its last words are above" >&2
        return 1
    }
    [ -d "$folder" ] || mv "$new" "$folder"
}

go_program minio github.com/minio/minio v0.0.0-20260212201848-7aac2a2c5b7c
go_program fake-gcs-server github.com/fsouza/fake-gcs-server v1.56.1
node_program azurite 3.35.0
