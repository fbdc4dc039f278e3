# Sourced by the scripts beside it: gets programs that Debian does not have, each once, in a cache.
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

# java_program NAME VERSION GROUP ARTIFACT...: fetches jars and what they need into a folder of its own, unless it is there.
java_program() {
    name=$1 version=$2 group=$3 folder=$cache/$1-$2 missing=
    shift 3
    [ -d "$folder" ] && return 0
    command -v java >/dev/null 2>&1 || missing="$missing default-jre-headless"
    command -v mvn >/dev/null 2>&1 || missing="$missing maven"
    # shellcheck disable=SC2086
    [ -z "$missing" ] || apt_install "the tests start $name, which needs Java and is fetched by Maven" $missing
    echo "fetching $name $version into $folder, once"
    new_folder "$name"
    {
        echo '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        echo "<groupId>dvt.tests</groupId><artifactId>$name</artifactId><version>1</version><packaging>pom</packaging>"
        echo '<dependencies>'
        for artifact in "$@"; do
            echo "<dependency><groupId>$group</groupId><artifactId>$artifact</artifactId><version>$version</version></dependency>"
        done
        echo '</dependencies></project>'
    } >"$new/pom.xml"
    mvn --quiet --batch-mode --file "$new/pom.xml" dependency:copy-dependencies \
        -DincludeScope=runtime -DoutputDirectory="$new/lib" >"$new/log" 2>&1 || {
        tail -n 15 "$new/log" >&2
        echo "Maven could not fetch $name; its last words are above" >&2
        return 1
    }
    [ -d "$folder" ] || mv "$new" "$folder"
}

# java_jars NAME VERSION POM: fetches what a pom of Maven names, and what that needs, into a folder of its own, unless it is there.
java_jars() {
    name=$1 folder=$cache/$1-$2
    [ -d "$folder" ] && return 0
    command -v mvn >/dev/null 2>&1 || apt_install "the tests use $name, which is fetched by Maven" default-jre-headless maven
    echo "fetching $name $2 into $folder, once"
    new_folder "$name"
    cp "$3" "$new/pom.xml"
    mvn --quiet --batch-mode --file "$new/pom.xml" dependency:copy-dependencies \
        -DincludeScope=runtime -DoutputDirectory="$new/lib" >"$new/log" 2>&1 || {
        tail -n 15 "$new/log" >&2
        echo "Maven could not fetch $name; its last words are above" >&2
        return 1
    }
    [ -d "$folder" ] || mv "$new" "$folder"
}

# python_program NAME VERSION: makes an environment of Python with requirements/NAME.txt in a folder of its own, unless it is there.
python_program() {
    folder=$cache/$1-$2
    [ -d "$folder" ] && return 0
    echo "installing $1 $2 into $folder, once"
    new_folder "$1"
    uv=$(dirname "$0")/../.venv/bin/uv
    [ -x "$uv" ] || uv=uv
    { "$uv" venv --quiet --python "${PYTHON:-python3}" "$new/env" &&
        "$uv" pip install --quiet --require-hashes --python "$new/env/bin/python" -r "$(dirname "$0")/../requirements/$1.txt"; } >"$new/log" 2>&1 || {
        tail -n 15 "$new/log" >&2
        echo "uv could not install $1; its last words are above" >&2
        return 1
    }
    [ -d "$folder" ] || mv "$new" "$folder"
}

# debian_program NAME VERSION PACKAGE...: unpacks Debian's packages into a folder of its own, unless it is there. Nothing is set up.
debian_program() {
    name=$1 folder=$cache/$1-$2
    shift 2
    [ -d "$folder" ] && return 0
    echo "unpacking $name into $folder, once"
    new_folder "$name"
    (cd "$new" && download "$@" && unpack) >"$new/log" 2>&1 || {
        tail -n 15 "$new/log" >&2
        echo "apt could not download $*; its last words are above" >&2
        return 1
    }
    [ -d "$folder" ] || mv "$new" "$folder"
}

download() {
    apt-get download -q "$@" || { find_root "the tests start $name, of these packages: $*" "sudo apt-get update" && apt_update && apt-get download -q "$@"; }
}

unpack() {
    for package in ./*.deb; do
        dpkg-deb -x "$package" . || return 1
    done
    rm ./*.deb
}
