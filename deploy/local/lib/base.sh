# shellcheck shell=bash
# What all parts of the stack share: the home, its lock and secrets, processes by name.

home=${BELFRY_HOME:-$root/.local}
[[ $home == /* ]] || home=$PWD/$home
readonly home
limit_s=${BELFRY_STACK_TIMEOUT_S:-60}

die() {
	echo "stack: $*" >&2
	exit 1
}

# count_of OPTION VALUE LEAST MOST
count_of() {
	if [[ ! $2 =~ ^[0-9]{1,6}$ ]] || ((10#$2 < $3 || 10#$2 > $4)); then
		die "up: $1 takes a number from $3 to $4, not '$2'"
	fi
	echo "$((10#$2))"
}

is_home() {
	[[ -e $home/.belfry-stack ]]
}

is_up() {
	[[ -e $home/.belfry-stack && -e $home/run/plan ]]
}

must_be_up() {
	is_up || die "the stack in $home is down"
}

make_home() {
	if [[ -d $home ]] && ! is_home && [[ -n $(ls -A "$home") ]]; then
		die "$home holds something that is no stack's"
	fi
	mkdir -p "$home"
	# Postgres, as another user, passes through; the files themselves are for the owner only.
	chmod 711 "$home"
	: >>"$home/.belfry-stack"
	(umask 077 && mkdir -p "$home/run" "$home/log")
}

# Commands that change the stack take turns.
take_lock() {
	exec {lock_fd}>"$home/run/lock"
	flock -w 120 "$lock_fd" || die "another stack command on $home does not end"
}

purge_home() {
	local dir
	for dir in "$home/pg" "$home/sock"; do
		[[ ! -L $dir ]] || rm -rf "$(readlink "$dir")"
	done
	rm -rf "$home/run" "$home/log" "$home/pg" "$home/pg.password" "$home/redis" "$home/sock"
	rm -f "$home/env" "$home/secrets" "$home/gateway.password" "$home/bootstrap" "$home/ledger" "$home"/journal*
	rm -f "$home/.belfry-stack"
	rmdir "$home" 2>/dev/null || true # the caller may keep other things there
}

random_base64() {
	head -c "$1" /dev/urandom | base64 -w 0
}

make_secrets() {
	[[ -s $home/gateway.password ]] ||
		(umask 077 && random_base64 24 | tr '+/' 'ab' >"$home/gateway.password")
	[[ ! -e $home/secrets ]] || return 0
	(
		umask 077
		{
			echo "BELFRY_SECRET_KEYS=k1:$(random_base64 32)"
			echo "BELFRY_KEY_PEPPER=$(random_base64 32)"
		} >"$home/secrets.new"
	)
	mv "$home/secrets.new" "$home/secrets"
}

# The directory of the sockets: in the home, unless its path is too long for a socket's name, has
# characters that would need quoting in a URL, or is closed to Postgres' user.
sockets() {
	readlink -f "$home/sock"
}

make_sockets() {
	[[ ! -d $home/sock ]] || return 0
	rm -f "$home/sock"
	if [[ ${#home} -le 75 && $home =~ ^[A-Za-z0-9/._-]+$ ]] && postgres_reaches "$home"; then
		mkdir -m 711 "$home/sock"
	else
		local dir
		dir=$(mktemp -d /tmp/belfry-XXXXXXXX)
		chmod 711 "$dir"
		ln -s "$dir" "$home/sock"
	fi
}

# A variable of the env file, or of a file like it.
env_value() {
	local file=${2:-$home/env}
	[[ -r $file ]] || die "$file is missing: the stack is not up"
	(
		# shellcheck disable=SC1090
		source "$file"
		printf '%s' "${!1:-}"
	)
}

# --- processes ---------------------------------------------------------------------------------

# Prints the pid of an instance that runs, and nothing for one that does not. A pid that was given
# to another program since does not count.
pid_of() {
	local pid comm
	[[ -r $home/run/$1.pid ]] || return 0
	read -r pid <"$home/run/$1.pid" || return 0
	is_process "$pid" || return 0
	read -r comm 2>/dev/null <"/proc/$pid/comm" || return 0
	case $1 in
	redis.*) [[ $comm == redis-server* ]] || return 0 ;;
	*) [[ $comm == "$(comm_of "${1%.*}")" ]] || return 0 ;;
	esac
	echo "$pid"
}

# The kernel keeps 15 characters of a program's name.
comm_of() {
	echo "${1:0:15}"
}

state_of() {
	local pid
	pid=$(pid_of "$1")
	if [[ -z $pid ]]; then
		echo dead
	elif [[ $(awk '/^State:/ {print $2}' "/proc/$pid/status" 2>/dev/null) == T ]]; then
		echo stopped
	elif is_ready "$1"; then
		echo ready
	else
		echo starting
	fi
}

is_ready() {
	case $1 in
	postgres.*) postgres_ready ;;
	redis.*) redis_ready ;;
	*) service_ready "$1" ;;
	esac
}

# Names of the instances that "dispatcher" or "dispatcher.1" means.
instances_of() {
	local name
	while read -r name; do
		if [[ $name == "$1" || ${name%.*} == "$1" ]]; then
			echo "$name"
		fi
	done < <(printf '%s\n' postgres.0 redis.0 && cat "$home/run/plan" 2>/dev/null)
}

# launch NAME COMMAND...: starts a process of its own session that outlives this script, with its
# output in the log and its pid in the pid file.
launch() {
	local name=$1
	shift
	rm -f "$home/run/$name.ending" "$home/run/$name.ready"
	(
		local fd
		for fd in "/proc/$BASHPID/fd/"*; do
			fd=${fd##*/}
			[[ $fd -le 2 ]] || eval "exec $fd>&-"
		done
		cd /
		umask 077
		exec </dev/null >>"$home/log/$name.log" 2>&1
		exec setsid "$@"
	) &
	echo $! >"$home/run/$name.pid.new"
	mv "$home/run/$name.pid.new" "$home/run/$name.pid"
}

now_ms() {
	local t=${EPOCHREALTIME/[.,]/}
	echo "${t%???}"
}

# await_gone NAME SECONDS
await_gone() {
	local until
	until=$(($(now_ms) + $2 * 1000))
	while [[ -n $(pid_of "$1") ]]; do
		[[ $(now_ms) -lt $until ]] || return 1
		sleep 0.02
	done
}

# One that was told to end is waited for before it is started again.
await_end_if_ending() {
	[[ -e $home/run/$1.ending ]] || return 0
	await_gone "$1" 30 || die "$1 was told to end and has not"
}

# Waits until all are ready; one that dies, or that takes too long, ends this with its log.
await_instances() {
	local until name
	until=$(($(now_ms) + limit_s * 1000))
	for name in "$@"; do
		until is_ready "$name"; do
			if ! lives "$name"; then
				tail_of "$name"
				die "$name died; the end of $home/log/$name.log is above"
			fi
			if [[ $(now_ms) -ge $until ]]; then
				tail_of "$name"
				die "$name is not ready after $limit_s s; the end of its log is above"
			fi
			sleep 0.02
		done
	done
}

# Whether one just launched is there; it may not have become its program yet, as pid_of wants it.
lives() {
	local pid
	read -r pid <"$home/run/$1.pid" && is_process "$pid"
}

# A zombie that nobody has reaped is none.
is_process() {
	local stat
	read -r stat 2>/dev/null <"/proc/$1/stat" || return 1
	stat=${stat##*) }
	[[ ${stat%% *} != [ZX] ]]
}

tail_of() {
	tail -n 30 "$home/log/$1.log" >&2 || true
}

# SIGTERM to all, and SIGKILL to those that have not ended in time. A stopped one must go on to end.
stop_instances() {
	local name pid
	local -a running=()
	for name in "$@"; do
		case $name in
		postgres.*) postgres_down ;;
		redis.*) redis_down ;;
		*)
			pid=$(pid_of "$name")
			if [[ -n $pid ]]; then
				running+=("$name")
				# In this order: a SIGCONT that comes while LeakSanitizer looks
				# at a process that ends makes it wait for ever.
				kill -CONT "$pid" 2>/dev/null || true
				kill -TERM "$pid" 2>/dev/null || true
			fi
			;;
		esac
	done
	for name in "${running[@]}"; do
		if ! await_gone "$name" 30; then
			echo "stack: $name did not end in 30 s and was killed" >&2
			pid=$(pid_of "$name")
			[[ -z $pid ]] || kill -KILL "$pid" 2>/dev/null || true
			await_gone "$name" 5 || die "$name does not die"
		fi
		rm -f "$home/run/$name.pid" "$home/run/$name.ready" "$home/run/$name.ending"
	done
}
