# shellcheck shell=bash
# The stack's own Redis: a Unix socket for the services, a port of the loopback for others.

redis_configure() {
	cat >"$home/redis/redis.conf" <<EOF
bind 127.0.0.1
port $1
unixsocket $(sockets)/redis.sock
unixsocketperm 700
dir $home/redis
save ""
appendonly yes
appendfsync everysec
maxmemory-policy noeviction
hz 10
loglevel notice
EOF
}

# A port above those that programs like to have and below those that the kernel hands out.
random_port() {
	echo "$((20000 + (RANDOM * 32768 + RANDOM) % 10000))"
}

port_is_open() {
	(exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# The port stays the same over restarts, as the URL of it is out in the world; only when another
# program has taken it meanwhile there is a new one.
redis_up() {
	local port tries
	(umask 077 && mkdir -p "$home/redis")
	[[ -z $(pid_of redis.0) ]] || return 0
	for tries in 1 2 3 4 5 6 7 8; do
		if [[ $tries -eq 1 && -e $home/redis/port ]]; then
			port=$(<"$home/redis/port")
		else
			port=$(random_port)
		fi
		port_is_open "$port" && continue
		redis_configure "$port"
		echo "$port" >"$home/redis/port"
		redis_start
		until redis_ready; do
			lives redis.0 || continue 2 # lost a race for the port
			sleep 0.02
		done
		return 0
	done
	tail_of redis.0
	die "redis does not start; the end of its log is above"
}

redis_start() {
	[[ -z $(pid_of redis.0) ]] || return 0
	command -v redis-server >/dev/null || die "Redis is not installed: run make deps"
	rm -f "$(sockets)/redis.sock"
	launch redis.0 redis-server "$home/redis/redis.conf"
}

redis_ready() {
	[[ $(redis-cli -s "$(sockets)/redis.sock" ping 2>/dev/null) == PONG ]]
}

redis_down() {
	local pid
	pid=$(pid_of redis.0)
	if [[ -n $pid ]]; then
		kill -TERM "$pid" 2>/dev/null || true
		kill -CONT "$pid" 2>/dev/null || true
		if ! await_gone redis.0 20; then
			echo "stack: redis did not end in 20 s and was killed" >&2
			kill -KILL "$pid" 2>/dev/null || true
			await_gone redis.0 5 || die "redis does not die"
		fi
	fi
	rm -f "$home/run/redis.0.pid" "$home/run/redis.0.ending"
}

redis_url() {
	echo "redis://127.0.0.1:$(<"$home/redis/port")"
}
