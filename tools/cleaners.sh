# Programs that clean up by age, to which the tests compare dvt, and what else its tests of backups start.
set -eu
. "$(dirname "$0")/apt.sh"

PATH=$PATH:/usr/sbin:/sbin
missing=""
command -v tmpreaper >/dev/null 2>&1 || missing="$missing tmpreaper"
command -v systemd-tmpfiles >/dev/null 2>&1 || missing="$missing systemd"
[ -e /usr/share/doc/libfaketime ] || missing="$missing faketime"
command -v age >/dev/null 2>&1 || missing="$missing age"
# shellcheck disable=SC2086
[ -z "$missing" ] || apt_install "the tests compare dvt with other cleaners, set clocks, and decrypt backups" $missing
