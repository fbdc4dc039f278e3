# MinIO and fake-gcs-server, which the tests of buckets start by themselves; each is built once, in a cache.
set -eu
. "$(dirname "$0")/apt.sh"

cache=${XDG_CACHE_HOME:-$HOME/.cache}/dvt-test-servers

# go_program NAME PACKAGE VERSION: builds a program into a folder of its own, unless it is there.
go_program() {
    name=$1 folder=$cache/$1-$3
    [ -x "$folder/$name" ] && return 0
    PATH=$PATH:/usr/local/go/bin
    if ! command -v go >/dev/null 2>&1; then
        apt_install "the tests start $name, which is built with Go" golang-go
    fi
    echo "building $name $3 into $folder, once: up to some minutes"
    mkdir -p "$cache"
    new=$(mktemp -d "$cache/$name.XXXXXX") # renamed when whole: another checkout may be building it, too
    trap 'rm -rf "$new"' EXIT
    (cd "$new" && GOBIN=$new CGO_ENABLED=0 go install "$2@$3" >"$new/log" 2>&1) || {
        tail -n 15 "$new/log" >&2
        echo "go could not build $name; its last words are above" >&2
        return 1
    }
    [ -x "$folder/$name" ] || mv "$new" "$folder"
}

go_program minio github.com/minio/minio v0.0.0-20260212201848-7aac2a2c5b7c
go_program fake-gcs-server github.com/fsouza/fake-gcs-server v1.56.1
