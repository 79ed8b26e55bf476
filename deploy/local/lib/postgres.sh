# shellcheck shell=bash
# The stack's own Postgres: durable, on a Unix socket, never as root.

postgres_bindir() {
	local dir best=
	for dir in /usr/lib/postgresql/*/bin; do
		[[ ! -x $dir/initdb ]] || best=$dir
	done
	if [[ -z $best ]] && command -v initdb >/dev/null; then
		best=$(dirname "$(command -v initdb)")
	fi
	[[ -n $best ]] || die "Postgres is not installed: run make deps"
	echo "$best"
}

postgres_user() {
	if [[ $EUID -ne 0 ]]; then
		id -un
	elif id postgres >/dev/null 2>&1; then
		echo postgres
	else
		echo nobody
	fi
}

# Runs a command as the user that Postgres runs as.
as_postgres() {
	if [[ $EUID -eq 0 ]]; then
		local user
		user=$(postgres_user)
		setpriv --reuid="$user" --regid="$(id -g "$user")" --init-groups --inh-caps=-all "$@"
	else
		"$@"
	fi
}

postgres_reaches() {
	as_postgres test -x "$1"
}

# make_cluster DIR: a new cluster in DIR/data with the role and the database belfry, and the
# role's password in DIR/password. The server itself does not run for it.
make_cluster() {
	local dir=$1 password bindir
	bindir=$(postgres_bindir)
	password=$(random_base64 24 | tr '+/' 'ab')
	mkdir -p "$dir/data"
	if [[ $EUID -eq 0 ]]; then
		chown "$(postgres_user)" "$dir/data"
	fi
	(umask 077 && echo "$password" >"$dir/password")
	(
		cd /
		as_postgres "$bindir/initdb" -D "$dir/data" -E UTF8 --locale=C --lc-ctype=C.UTF-8 \
			--auth-host=reject --auth-local=peer ${FAST_INITDB:+--no-sync} >"$dir/initdb.log" 2>&1
	) || {
		cat "$dir/initdb.log" >&2
		die "initdb failed"
	}
	(
		cd /
		# One statement a line, as the single-user mode wants it.
		as_postgres "$bindir/postgres" --single -D "$dir/data" postgres >>"$dir/initdb.log" 2>&1 <<EOF
CREATE ROLE belfry LOGIN CREATEROLE CREATEDB PASSWORD '$password'
GRANT pg_monitor, pg_checkpoint, pg_signal_backend TO belfry
CREATE DATABASE belfry OWNER belfry
EOF
	) || {
		cat "$dir/initdb.log" >&2
		die "the new cluster could not be set up"
	}
	rm -f "$dir/initdb.log"
}

# A cluster with the schema, made once, serves all stacks of a test run: BELFRY_STACK_PGTEMPLATE names
# its place. The name is lengthened, as releases before this one keep a cluster without a schema there.
copy_cluster() {
	local template=$BELFRY_STACK_PGTEMPLATE.migrated
	(
		flock -w 120 9
		if [[ ! -e $template/complete ]]; then
			rm -rf "$template"
			mkdir -m 711 "$template"
			FAST_INITDB=1 make_cluster "$template"
			migrate_template "$template" || {
				tail -n 30 "$template/log" >&2
				die "the cluster for all stacks could not be migrated"
			}
			: >"$template/complete"
		fi
	) 9>"$template.lock"
	cp -a "$template/data" "$1/data"
	cp -a "$template/password" "$1/password"
}

# The server runs for this only; what it learns of sockets and settings each copy learns anew.
migrate_template() (
	local dir=$1 bindir programs name
	bindir=$(postgres_bindir)
	programs=$(env_value bin "$home/run/up")
	mkdir -m 711 "$dir/sock"
	postgres_configure "$dir/data" "$dir/sock"
	[[ $EUID -ne 0 ]] || chown "$(postgres_user)" "$dir/sock" "$dir/data"/{pg_hba,stack,postgresql}.conf
	: >"$dir/log"
	exec 9>&-
	cd /
	as_postgres "$bindir/pg_ctl" -D "$dir/data" -o -F -w start >>"$dir/log" 2>&1 </dev/null || return 1
	for name in $(compgen -v BELFRY_ || true); do
		unset "$name"
	done
	BELFRY_DATABASE_URL="postgresql://belfry:$(<"$dir/password")@/belfry?host=$dir/sock" \
		"$programs/belfry-admin" migrate >>"$dir/log" 2>&1 || name=failed
	as_postgres "$bindir/pg_ctl" -D "$dir/data" -m fast -w stop >>"$dir/log" 2>&1 || return 1
	[[ ${name:-} != failed ]]
)

make_postgres() {
	[[ ! -e $home/pg/complete ]] || return 0
	[[ ! -L $home/pg ]] || rm -rf "$(readlink "$home/pg")"
	rm -rf "$home/pg"
	if postgres_reaches "$home"; then
		mkdir -m 711 "$home/pg"
	else
		# A directory above the home is closed to Postgres' user.
		local dir
		dir=$(mktemp -d /var/tmp/belfry-pg-XXXXXXXX)
		chmod 711 "$dir"
		ln -s "$dir" "$home/pg"
	fi
	if [[ -n ${BELFRY_STACK_PGTEMPLATE:-} ]]; then
		copy_cluster "$(readlink -f "$home/pg")"
	else
		make_cluster "$(readlink -f "$home/pg")"
	fi
	: >"$home/pg/complete"
}

postgres_configure() {
	local data=$1 socket=$2 user
	user=$(postgres_user)
	cat >"$data/pg_hba.conf" <<EOF
local all $user peer
local all all scram-sha-256
EOF
	cat >"$data/stack.conf" <<EOF
listen_addresses = ''
unix_socket_directories = '$socket'
port = 5432
max_connections = 120

# Durable, as the promises ask.
fsync = on
full_page_writes = on
synchronous_commit = on

# One machine that it shares with everything else.
shared_buffers = 256MB
effective_cache_size = 1GB
work_mem = 8MB
maintenance_work_mem = 128MB
random_page_cost = 1.1
jit = off
huge_pages = off

wal_compression = lz4
wal_buffers = 16MB
min_wal_size = 256MB
max_wal_size = 2GB
checkpoint_timeout = 15min
checkpoint_completion_target = 0.9
autovacuum_naptime = 20s

# Values of parameters never reach the log: they may be secrets or phone numbers.
log_line_prefix = '%m [%p] %a '
log_timezone = 'UTC'
timezone = 'UTC'
log_checkpoints = off
log_lock_waits = on
log_min_duration_statement = 2s
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
EOF
	printf '%s\n' "${BELFRY_STACK_PG_CONF:-}" >>"$data/stack.conf"
	grep -qx "include 'stack.conf'" "$data/postgresql.conf" ||
		echo "include 'stack.conf'" >>"$data/postgresql.conf"
}

postgres_data() {
	echo "$(readlink -f "$home/pg")/data"
}

postgres_up() {
	make_sockets
	make_postgres
	start_instance postgres.0
	await_instances postgres.0
}

postgres_start() {
	local data socket log=$home/log/postgres.0.log
	data=$(postgres_data)
	socket=$(sockets)/pg
	[[ -z $(pid_of postgres.0) ]] || return 0
	if [[ ! -d $socket ]]; then
		mkdir -m 711 "$socket"
		[[ $EUID -ne 0 ]] || chown "$(postgres_user)" "$socket"
	fi
	if [[ ! -e $data/stack.conf || ! -e $home/run/plan ]]; then
		postgres_configure "$data" "$socket"
		[[ $EUID -ne 0 ]] || chown "$(postgres_user)" "$data"/{pg_hba,stack,postgresql}.conf
	fi
	: >>"$log"
	# Lock files left by a crash name a pid that may be another program's by now, or a zombie's.
	if [[ -e $data/postmaster.pid ]] && ! postmaster_lives "$data"; then
		rm -f "$data/postmaster.pid" "$socket/.s.PGSQL.5432" "$socket/.s.PGSQL.5432.lock"
		await_sessions "$data"
	fi
	if [[ $EUID -eq 0 ]]; then
		local user
		user=$(postgres_user)
		launch postgres.0 setpriv --reuid="$user" --regid="$(id -g "$user")" --init-groups \
			--inh-caps=-all "$(postgres_bindir)/postgres" -D "$data"
	else
		launch postgres.0 "$(postgres_bindir)/postgres" -D "$data"
	fi
}

# Sessions of a server that was killed end by themselves, once they come to see it; a new one does not
# start beside them.
await_sessions() {
	local dir until=$((SECONDS + 30))
	for dir in /proc/[0-9]*/cwd; do
		while [[ $dir -ef $1 ]]; do
			[[ $SECONDS -lt $until ]] || return 0
			sleep 0.05
		done
	done
}

postmaster_lives() {
	local pid comm
	read -r pid <"$1/postmaster.pid" && is_process "$pid" || return 1
	read -r comm 2>/dev/null <"/proc/$pid/comm" || return 1
	[[ $comm == postgres ]]
}

postgres_ready() {
	[[ -n $(pid_of postgres.0) ]] &&
		"$(postgres_bindir)/pg_isready" -q -h "$(sockets)/pg" -d belfry -U belfry -t 1
}

# Fast shutdown: sessions are ended, a checkpoint is written.
postgres_down() {
	local pid
	pid=$(pid_of postgres.0)
	if [[ -n $pid ]]; then
		kill -INT "$pid" 2>/dev/null || true
		kill -CONT "$pid" 2>/dev/null || true
		if ! await_gone postgres.0 60; then
			echo "stack: postgres did not end in 60 s and was stopped at once" >&2
			kill -QUIT "$pid" 2>/dev/null || true
			await_gone postgres.0 10 || die "postgres does not end"
		fi
	fi
	rm -f "$home/run/postgres.0.pid" "$home/run/postgres.0.ending"
}

# database_url [ROLE PASSWORD_FILE]: of the role that owns the database, unless another is named.
database_url() {
	local role=${1:-belfry} file=${2:-$home/pg/password}
	echo "postgresql://$role:$(<"$file")@/belfry?host=$(sockets)/pg"
}
