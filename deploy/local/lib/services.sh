# shellcheck shell=bash
# Belfry's own programs: their settings, their instances, and what outsiders need to use them.

# Variables of the environment that are for this script or for clients, not for services.
is_service_setting() {
	case $1 in
	BELFRY_HOME | BELFRY_BIN | BELFRY_BUILD | BELFRY_STACK_* | BELFRY_DEMO_* | BELFRY_BENCH_*) return 1 ;;
	BELFRY_URL | BELFRY_API_KEY | BELFRY_DATABASE_URL | BELFRY_REDIS_URL) return 1 ;;
	BELFRY_CARRIER_LEDGER | BELFRY_DIALER_JOURNAL | BELFRY_DIALERS | BELFRY_DIALER_LISTEN) return 1 ;;
	BELFRY_DISPATCHER_SLOT | BELFRY_READY_FILE | BELFRY_HTTP_PORT | BELFRY_HTTP_PORT_FILE) return 1 ;;
	BELFRY_METRICS_PORT | BELFRY_METRICS_PORT_FILE) return 1 ;;
	BELFRY_AGENT_ID | BELFRY_NUMBER_ID | BELFRY_TRUNK_ID | BELFRY_WORKSPACE_ID) return 1 ;;
	BELFRY_FROM_NUMBER | BELFRY_KEY_ID) return 1 ;;
	BELFRY_*) return 0 ;;
	*) return 1 ;;
	esac
}

# save_settings BIN DIALER PORT: what `start` and `restart` need to do the same as this `up`.
save_settings() {
	local name
	(
		umask 077
		{
			cat "$home/secrets"
			# A machine's own receivers get webhooks without ado, and its own carriers and agents
			# calls, unless told otherwise.
			echo "BELFRY_WEBHOOK_ALLOW_HTTP=1"
			echo "BELFRY_WEBHOOK_ALLOW_CIDRS=127.0.0.0/8,::1/128"
			echo "BELFRY_SIP_ALLOW_CIDRS=127.0.0.0/8,::1/128"
			for name in $(compgen -e BELFRY_ || true); do
				! is_service_setting "$name" || printf '%s=%q\n' "$name" "${!name}"
			done
		} >"$home/run/settings.new"
		{
			printf 'bin=%q\n' "$1"
			printf 'dialer=%q\n' "$2"
			printf 'gateway_port=%q\n' "$3"
			printf 'other_database=%q\n' "${BELFRY_STACK_DATABASE_URL:-}"
			printf 'other_redis=%q\n' "${BELFRY_STACK_REDIS_URL:-}"
		} >"$home/run/up.new"
	)
	mv "$home/run/settings.new" "$home/run/settings"
	mv "$home/run/up.new" "$home/run/up"
}

# Unsets whatever BELFRY_ variables there are, and sets the saved ones and the two URLs.
export_settings() {
	local name
	for name in $(compgen -v BELFRY_ || true); do
		unset "$name"
	done
	set -a
	# shellcheck disable=SC1091
	source "$home/run/settings"
	set +a
	BELFRY_DATABASE_URL=$(database_url)
	BELFRY_REDIS_URL=unix://$(sockets)/redis.sock
	export BELFRY_DATABASE_URL BELFRY_REDIS_URL
}

admin() (
	local dir other
	dir=$(env_value bin "$home/run/up")
	other=$(env_value other_database "$home/run/up")
	export_settings
	BELFRY_GATEWAY_PASSWORD=$(<"$home/gateway.password")
	export BELFRY_GATEWAY_PASSWORD
	exec env ${other:+"BELFRY_DATABASE_URL=$other"} "$dir/belfry-admin" "$@"
)

# The schema, and on the first `up` a workspace with an agent, a number and a key. The key is
# shown once, so it is kept here.
bootstrap() {
	admin migrate >>"$home/log/belfry-admin.log" 2>&1 || {
		tail -n 30 "$home/log/belfry-admin.log" >&2
		die "belfry-admin migrate failed"
	}
	[[ ! -s $home/bootstrap ]] || return 0
	if ! (umask 077 && admin bootstrap >"$home/bootstrap.new" 2>>"$home/log/belfry-admin.log"); then
		tail -n 30 "$home/log/belfry-admin.log" >&2
		die "belfry-admin bootstrap failed"
	fi
	grep -q '^BELFRY_API_KEY=' "$home/bootstrap.new" || die "belfry-admin bootstrap gave no key"
	mv "$home/bootstrap.new" "$home/bootstrap"
}

dialer_address() {
	echo "ipc://$(sockets)/$1.$2.sock"
}

start_instance() {
	case $1 in
	postgres.*) postgres_start ;;
	redis.*) redis_start ;;
	*) service_start "$1" ;;
	esac
}

service_start() (
	local name=$1 program=${1%.*} n=${1##*.} bin dialer gateway_port list="" slot
	local other_database="" other_redis=""
	[[ -z $(pid_of "$name") ]] || return 0
	# shellcheck disable=SC1091
	source "$home/run/up"
	export_settings
	BELFRY_DATABASE_URL=${other_database:-$BELFRY_DATABASE_URL}
	BELFRY_REDIS_URL=${other_redis:-$BELFRY_REDIS_URL}
	export BELFRY_READY_FILE=$home/run/$name.ready
	export BELFRY_METRICS_PORT=0 BELFRY_METRICS_PORT_FILE=$home/run/$name.metrics
	case $program in
	api-gateway)
		# A home of an earlier release has no such role yet; another database has its own.
		[[ -n $other_database || ! -s $home/gateway.password ]] ||
			BELFRY_DATABASE_URL=$(database_url belfry_gateway "$home/gateway.password")
		local port_file=$home/run/$name.port
		if [[ $n -eq 0 && $gateway_port -ne 0 ]]; then
			BELFRY_HTTP_PORT=$gateway_port
		elif [[ -s $port_file ]] && ! port_is_open "$(<"$port_file")"; then
			BELFRY_HTTP_PORT=$(<"$port_file") # its URL is out in the world
		else
			BELFRY_HTTP_PORT=0
		fi
		export BELFRY_HTTP_PORT BELFRY_HTTP_PORT_FILE=$port_file
		export BELFRY_HTTP_BIND=${BELFRY_HTTP_BIND:-127.0.0.1}
		;;
	dispatcher)
		BELFRY_DIALERS=$dialer=$(dialer_address "$dialer" "$n")
		export BELFRY_DIALERS BELFRY_DISPATCHER_SLOT=$n
		;;
	dialer-*)
		for ((slot = 0; slot < $(<"$home/run/slots"); slot++)); do
			list+=${list:+,}$(dialer_address "$dialer" "$slot")
		done
		export BELFRY_DIALER_LISTEN=$list
		export BELFRY_DIALER_JOURNAL=$home/journal-${dialer}
		if [[ $dialer == sim ]]; then
			export BELFRY_CARRIER_LEDGER=$home/ledger
			: >>"$home/ledger"
		else
			# The same port for the life of this home: answers to calls that ring come there.
			[[ -s $home/run/sip.address || -n ${BELFRY_SIP_LISTEN:-} ]] ||
				free_sip_address >"$home/run/sip.address"
			export BELFRY_SIP_LISTEN=${BELFRY_SIP_LISTEN:-$(<"$home/run/sip.address")}
		fi
		;;
	esac
	launch "$name" "$bin/$program"
)

# 5060 where it is free, or another port of 127.0.0.1: for trunks beyond this machine the environment
# of `up` names BELFRY_SIP_LISTEN.
free_sip_address() {
	python3 - <<'PYTHON'
import socket
for port in (5060, 0):
    try:
        u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        u.bind(("127.0.0.1", port))
        t = socket.socket()
        t.bind(("127.0.0.1", u.getsockname()[1]))
    except OSError:
        continue
    print("127.0.0.1:%d" % u.getsockname()[1])
    break
PYTHON
}

# A service makes the file when it is ready and removes it when it drains.
service_ready() {
	[[ -e $home/run/$1.ready && -n $(pid_of "$1") ]] || return 1
	[[ $1 != api-gateway.* ]] ||
		curl -fsS -o /dev/null -m 2 "http://127.0.0.1:$(<"$home/run/$1.port")/readyz" 2>/dev/null
}

# services_up DISPATCHERS SCHEDULERS GATEWAYS SENDERS DIALER
services_up() {
	local -a plan=("dialer-$5.0") old=() surplus=()
	local n name
	for ((n = 0; n < $3; n++)); do plan+=("api-gateway.$n"); done
	for ((n = 0; n < $2; n++)); do plan+=("scheduler.$n"); done
	for ((n = 0; n < $1; n++)); do plan+=("dispatcher.$n"); done
	for ((n = 0; n < $4; n++)); do plan+=("webhook-sender.$n"); done

	# An `up` on a running stack keeps what runs, adds what lacks and ends what is too much.
	if [[ -e $home/run/plan ]]; then
		mapfile -t old <"$home/run/plan"
		for name in "${old[@]}"; do
			[[ " ${plan[*]} " == *" $name "* ]] || surplus+=("$name")
		done
		# The dialer binds a socket for each dispatcher.
		[[ $(<"$home/run/slots") -ge $1 ]] || surplus+=("dialer-$5.0")
		stop_instances "${surplus[@]}"
	fi
	echo "$1" >"$home/run/slots"
	printf '%s\n' "${plan[@]}" >"$home/run/plan"
	for name in "${plan[@]}"; do
		await_end_if_ending "$name"
		start_instance "$name"
	done
	await_instances "${plan[@]}"
}

# Producers before consumers: nothing is asked of a service that has gone.
services_down() {
	local -a plan=() first=() second=() third=()
	local name
	[[ ! -e $home/run/plan ]] || mapfile -t plan <"$home/run/plan"
	for name in "${plan[@]}"; do
		case $name in
		api-gateway.* | scheduler.*) first+=("$name") ;;
		dispatcher.*) second+=("$name") ;;
		*) third+=("$name") ;;
		esac
	done
	stop_instances "${first[@]}"
	stop_instances "${second[@]}"
	stop_instances "${third[@]}"
}

# assign NAME VALUE: a line that a shell reads, and a plain one where that is the same.
assign() {
	if [[ $2 =~ ^[A-Za-z0-9_./:@=?%+,-]*$ ]]; then
		printf '%s=%s\n' "$1" "$2"
	else
		printf '%s=%q\n' "$1" "$2"
	fi
}

write_env() {
	local port
	port=$(<"$home/run/api-gateway.0.port")
	(
		umask 077
		{
			assign BELFRY_URL "http://127.0.0.1:$port"
			grep -E '^BELFRY_[A-Z_]+=' "$home/bootstrap"
			assign BELFRY_DATABASE_URL "$(database_url)"
			assign BELFRY_REDIS_URL "$(redis_url)"
			assign BELFRY_CARRIER_LEDGER "$home/ledger"
		} >"$home/env.new"
	)
	mv "$home/env.new" "$home/env"
}
