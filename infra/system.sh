#!/bin/sh
# Programs of the system that tests run beside ours: infra/system.sh prometheus ...
#
# Does nothing where they are there already, and says so and goes on where they cannot be
# installed (no apt, not root, no network): tests that need one skip with that reason.
set -eu

seconds=240 # for all of it; a mirror that hangs holds up nobody longer

wanted=
for package in "$@"; do
    case "$package" in
        chromium) program=chromium ;;
        prometheus) program=promtool ;;
        *) echo "usage: infra/system.sh [chromium] [prometheus]" >&2; exit 2 ;;
    esac
    command -v "$program" >/dev/null 2>&1 || wanted="$wanted $package"
done
[ -n "$wanted" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1 || [ "$(id -u)" -ne 0 ]; then
    echo "fanfold: not installed, it needs apt and root:$wanted" >&2
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
# Debian would start a server of its own beside ours.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
fi
# shellcheck disable=SC2086  # several packages are several words
if ! { timeout "$seconds" apt-get update -qq &&
    timeout "$seconds" apt-get install -y -qq --no-install-recommends $wanted; } >/dev/null 2>&1; then
    echo "fanfold: could not be installed:$wanted" >&2
fi
exit 0
