/* GET /v1/system: how the installation is, for whoever runs it. Of all workspaces together, so it takes
 * the scope operator. */
#include <string.h>

#include "base/embed.h"
#include "handlers.h"
#include "render.h"
#include "wire/stream_keys.h"

struct state {
	struct json_out j;
	int64_t leader_epoch;
	usec_t leader_at;
};

static void render_parts(struct json_out *j, const struct pg_result *rows, const char *kind,
			 enum id_kind id)
{
	struct api_system_parts_row row;
	json_array_begin(j);
	for (size_t i = 0; i < pg_result_rows(rows); i++) {
		struct arena *a = arena_new();
		get_api_system_parts(rows, i, &row, a);
		if (str_eq(row.kind, str_from(kind))) {
			const struct str *dialers = row.dialers.v;
			json_object_begin(j);
			json_kv_id(j, "id", id, row.id);
			json_kv_str(j, "host", row.host);
			render_i64_or_null(j, "slot", row.slot);
			json_key(j, "dialers");
			json_array_begin(j);
			for (size_t k = 0; k < row.dialers.n; k++)
				json_str(j, dialers[k]);
			json_array_end(j);
			json_kv_time(j, "started_at", row.started_at);
			json_kv_time(j, "lease_until", row.lease_until);
			json_kv_i64(j, "in_hand", row.in_hand);
			json_object_end(j);
		}
		arena_free(a);
	}
	json_array_end(j);
}

static void render_versions(struct json_out *j, struct req *r, const struct api_system_row *row)
{
	json_key(j, "versions");
	json_object_begin(j);
	json_kv_cstr(j, "belfry", BELFRY_VERSION);
	json_kv_cstr(j, "dashboard", strrchr(web_base, '/') + 1);
	json_kv_str(j, "schema", row->schema);
	json_kv_str(j, "postgres", row->postgres);
	json_kv_cstr(j, "tzdata", zone_table_version(r->app->zones));
	json_object_end(j);
}

/* The lock elects: as long as it stands, its holder leads. */
static void on_lock(struct err e, const struct redis_reply *lock, void *arg)
{
	struct req *r = arg;
	struct state *s = r->state;
	struct json_out *j = &s->j;
	json_key(j, "leader");
	json_object_begin(j);
	json_kv_i64(j, "epoch", s->leader_epoch);
	json_kv_time(j, "since", s->leader_at);
	if (is_err(e) || redis_type(lock) != REDIS_INT)
		json_kv_null(j, "is_alive");
	else
		json_kv_bool(j, "is_alive", redis_int(lock) == 1);
	json_object_end(j);
	json_object_end(j);
	req_reply_json(r, 200);
}

static void render_queue(struct json_out *j, const struct api_system_row *row)
{
	json_key(j, "queue");
	json_object_begin(j);
	json_kv_i64(j, "live_campaigns", row->live_campaigns);
	json_kv_i64(j, "open_attempts", row->open_attempts);
	json_kv_i64(j, "overdue_calls", row->overdue);
	json_kv_time(j, "oldest_overdue_at", row->overdue_at);
	json_kv_i64(j, "deliveries", row->deliveries);
	json_kv_time(j, "oldest_delivery_at", row->delivery_at);
	json_kv_i64(j, "imports", row->imports);
	json_object_end(j);
}

static void on_read(struct req *r, const struct pg_unit *u)
{
	struct state *s = r->state;
	struct json_out *j = &s->j;
	struct api_system_row row;
	char key[STREAM_KEY_SIZE];
	const struct pg_result *parts = req_result(r, u, 1);
	if (pg_result_rows(req_result(r, u, 0)) == 0) {
		req_fail(r, PROBLEM_INTERNAL, "The schema has no row for the leader.");
		return;
	}
	get_api_system(req_result(r, u, 0), 0, &row);
	s->leader_epoch = row.leader_epoch;
	s->leader_at = row.leader_at;
	req_json(r, j);
	json_object_begin(j);
	json_kv_time(j, "at", row.at);
	render_queue(j, &row);
	json_key(j, "dispatchers");
	render_parts(j, parts, "dispatcher", ID_DISPATCHER);
	json_key(j, "senders");
	render_parts(j, parts, "sender", ID_SENDER);
	json_kv_bool(j, "redis_is_up", redis_is_up(r->app->redis));
	render_versions(j, r, &row);
	const struct str argv[] = { STR("EXISTS"), stream_key_lock("scheduler", key) };
	redis_command(r->app->redis, &(struct redis_args){ argv, ARRAY_LEN(argv), 0 },
		      &(struct redis_hook){ .done = on_lock, .arg = r });
}

void system_get(struct req *r)
{
	struct pg_unit *u = req_read(r);
	r->state = arena_alloc(r->arena, sizeof(struct state));
	add_api_system(u);
	add_api_system_parts(u);
	req_submit(r, on_read);
}
