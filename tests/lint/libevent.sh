#!/usr/bin/env bash
# Debian 12's libevent before 2.1.12-stable-8+deb12u1 has known holes in what strangers can reach
# (CVE-2026-63379 and its neighbours). On another system the version is that system's business.
set -euo pipefail
needed=2.1.12-stable-8+deb12u1

# shellcheck source=/dev/null
. /etc/os-release
if [[ ${ID:-} != debian || ${VERSION_ID:-} != 12 ]]; then
	echo "not Debian 12: nothing to compare"
	exit 0
fi
failed=0
for package in libevent-2.1-7 libevent-core-2.1-7 libevent-extra-2.1-7 libevent-openssl-2.1-7; do
	# shellcheck disable=SC2016 # dpkg-query expands it
	installed=$(dpkg-query -W -f '${Version}' "$package" 2>/dev/null || true)
	if [[ -z $installed ]]; then
		continue # not there: nothing can be linked to it
	fi
	if dpkg --compare-versions "$installed" lt "$needed"; then
		echo "$package is $installed, at least $needed is needed"
		failed=1
	fi
done
if [[ $failed -ne 0 ]]; then
	echo "bring it up to date:"
	echo "  apt-get update && apt-get install --only-upgrade 'libevent*2.1-7' libevent-dev"
	echo "it comes from the suite bookworm-security, which must be among apt's sources"
fi
exit $failed
