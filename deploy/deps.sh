#!/usr/bin/env bash
# Installs the Debian packages that Belfry needs, by name. With nothing missing it only looks.
#
#   deploy/deps.sh GROUP...     build | libraries | run | check | fuzz | all
#
# No service that a package brings is started and no default Postgres cluster is made: the local
# stack runs private ones.
set -euo pipefail

build=(gcc libc6-dev make pkg-config python3
	libevent-dev libhiredis-dev libpq-dev libcurl4-openssl-dev libssl-dev libnanomsg-dev
	libcjson-dev libre-dev)
libraries=(curl ca-certificates tzdata libevent-2.1-7 libevent-openssl-2.1-7 libhiredis0.14 libpq5
	libcurl4 libssl3 libnanomsg5 libcjson1 libre0)
run=("${libraries[@]}" python3 postgresql-15 redis-server util-linux)
check=(clang clang-format-14 cppcheck shellcheck libcmocka-dev git binutils gcovr python3-yaml
	python3-jsonschema sip-tester baresip dnsmasq-base socat man-db groff-base mandoc chromium
	chromium-driver python3-selenium prometheus pgbouncer openssl iproute2)
fuzz=(clang libclang-rt-14-dev)

# The lowest version of a package that will do: a security fix of evhttp's request parser.
declare -A least=([libevent-dev]=2.1.12-stable-8+deb12u1 [libevent-2.1-7]=2.1.12-stable-8+deb12u1)

say() {
	echo "deps: $*" >&2
}

wanted() {
	local group
	for group in "$@"; do
		case $group in
		build) printf '%s\n' "${build[@]}" ;;
		libraries) printf '%s\n' "${libraries[@]}" ;;
		run) printf '%s\n' "${run[@]}" ;;
		check) printf '%s\n' "${build[@]}" "${run[@]}" "${check[@]}" ;;
		fuzz) printf '%s\n' "${fuzz[@]}" ;;
		all) wanted check fuzz ;;
		*)
			say "unknown group $group"
			return 2
			;;
		esac
	done
}

# Prints those of its arguments that are not installed, or too old.
missing() {
	local name version status
	declare -A have=()
	while read -r status name version; do
		[[ $status == ii ]] && have[$name]=$version
	done < <(dpkg-query -W -f '${db:Status-Abbrev} ${Package} ${Version}\n' "$@" 2>/dev/null)
	for name in "$@"; do
		if [[ -z ${have[$name]:-} ]]; then
			echo "$name"
		elif [[ -n ${least[$name]:-} ]] &&
			! dpkg --compare-versions "${have[$name]}" ge "${least[$name]}"; then
			echo "$name"
		fi
	done
}

as_root() {
	if [[ $EUID -eq 0 ]]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		say "needs root to install packages, and there is no sudo; as root run: $0"
		return 1
	fi
}

apt() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 \
		-o Acquire::Retries=3 -o Dpkg::Use-Pty=0 "$@" </dev/null
}

install() {
	apt install -y --no-install-recommends -o Dpkg::Options::=--force-confold "$@" >&2
}

policy=/usr/sbin/policy-rc.d
cluster_conf=/etc/postgresql-common/createcluster.conf
made_policy=""
kept_conf=""

restore() {
	[[ -z $made_policy ]] || as_root rm -f "$policy"
	[[ -z $kept_conf ]] || as_root mv -f "$kept_conf" "$cluster_conf"
	made_policy=""
	kept_conf=""
}

# Packages that bring servers would start them; both switches are put back as they were found.
hold_services() {
	if [[ ! -e $policy ]]; then
		made_policy=1
		printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
		as_root chmod 755 "$policy"
	fi
	if [[ " $* " == *" postgresql-15 "* ]]; then
		[[ -e $cluster_conf ]] || install postgresql-common
		if [[ -e $cluster_conf ]]; then
			kept_conf=$cluster_conf.belfry-kept
			as_root cp -p "$cluster_conf" "$kept_conf"
			echo 'create_main_cluster = false' | as_root tee -a "$cluster_conf" >/dev/null
		fi
	fi
}

main() {
	local list
	local -a names need
	[[ $# -gt 0 ]] || set -- all
	list=$(wanted "$@")
	mapfile -t names < <(sort -u <<<"$list")
	if ! command -v dpkg-query >/dev/null; then
		say "not a Debian system; these are needed, by Debian's names: ${names[*]}"
		return 1
	fi
	mapfile -t need < <(missing "${names[@]}")
	[[ ${#need[@]} -gt 0 ]] || return 0
	say "installing ${need[*]}"
	trap restore EXIT
	# Lists may be missing or old: they are fetched when something is to be installed.
	apt update || say 'package lists could not be refreshed; trying with those at hand'
	hold_services "${need[@]}"
	install "${need[@]}"
	restore
	mapfile -t need < <(missing "${names[@]}")
	if [[ ${#need[@]} -gt 0 ]]; then
		say "still missing or too old: ${need[*]}"
		return 1
	fi
}

exec 9>"${TMPDIR:-/tmp}/belfry-deps.$EUID.lock"
flock 9
main "$@"
