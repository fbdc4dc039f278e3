# Chromium, in which the tests use the page, and axe-core, which tells what people with a screen reader would miss.
set -eu
. "$(dirname "$0")/programs.sh"

command -v chromium >/dev/null 2>&1 || apt_install "the tests use the page in a browser" chromium
node_program axe-core 4.14.1
