/* belfry-admin bootstrap: what a fresh installation needs before its first request. It may be
 * repeated: what is there stays, and only a key is added (or, where BELFRY_API_KEY is set, that
 * very key installed, once). */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "create.h"
#include "pg/pg_codec.h"
#include "sec/api_key.h"
#include "store_gen.h"

#define FIRST_NUMBER "+15550100000"
#define FIRST_AGENT "demo"
#define ALL_SCOPES "read,write,control,admin,operator"
#define TRIES 3 /* another bootstrap may win the race for the number */

struct found {
	bool is_there;
	struct admin_bootstrap_find_row row;
};

static void read_found(const struct pg_unit *u, void *arg)
{
	struct found *f = arg;

	f->is_there = pg_result_rows(pg_unit_result(u, 0)) > 0;
	if (f->is_there)
		get_admin_bootstrap_find(pg_unit_result(u, 0), 0, &f->row);
}

static struct err find(struct app *app, struct found *out)
{
	struct pg_unit *u = pg_unit_new();

	add_admin_bootstrap_find(u, &(struct admin_bootstrap_find_args){
					    .e164 = STR(FIRST_NUMBER),
					    .agent_name = STR(FIRST_AGENT),
				    });
	return app_do(app, u, read_found, out);
}

/* Workspace, trunk and number; their ids go into the row. */
static void add_first(struct app *app, struct pg_unit *u, struct admin_bootstrap_find_row *row)
{
	row->workspace_id = create_id(app);
	row->trunk_id = create_id(app);
	row->number_id = create_id(app);
	add_admin_workspace_create(u, &(struct admin_workspace_create_args){
					      .workspace_id = row->workspace_id,
					      .name = STR("Demo"),
					      .timezone = STR("Asia/Kolkata"),
					      .calls_per_minute = PG_NULL_I64,
					      .max_concurrent = PG_NULL_I64,
				      });
	add_admin_trunk_create(u, &(struct admin_trunk_create_args){
					  .workspace_id = row->workspace_id,
					  .id = row->trunk_id,
					  .name = STR("simulated carrier"),
					  .dialer = STR("sim"),
				  });
	add_admin_number_create(u, &(struct admin_number_create_args){
					   .workspace_id = row->workspace_id,
					   .id = row->number_id,
					   .e164 = STR(FIRST_NUMBER),
					   .trunk_id = row->trunk_id,
					   .calls_per_minute = PG_NULL_I64,
					   .max_concurrent = PG_NULL_I64,
				   });
}

static void add_agent(struct app *app, struct pg_unit *u, struct admin_bootstrap_find_row *row)
{
	row->agent_id = create_id(app);
	add_admin_agent_create(u, &(struct admin_agent_create_args){
					  .workspace_id = row->workspace_id,
					  .id = row->agent_id,
					  .name = STR(FIRST_AGENT),
					  .endpoint = STR("{}"),
				  });
}

static void print_made(const struct admin_bootstrap_find_row *row, const char *key)
{
	char ws[ID_TEXT_SIZE], agent[ID_TEXT_SIZE], trunk[ID_TEXT_SIZE], number[ID_TEXT_SIZE];

	printf("# workspace %s, agent %s, trunk %s, number %s %s\n",
	       id_format(ID_WORKSPACE, row->workspace_id, ws),
	       id_format(ID_AGENT, row->agent_id, agent), id_format(ID_TRUNK, row->trunk_id, trunk),
	       id_format(ID_NUMBER, row->number_id, number), FIRST_NUMBER);
	printf("BELFRY_API_KEY=%s\n", key);
}

static struct err try_once(struct app *app, struct str key)
{
	struct found f = { .is_there = false };
	struct pg_unit *u;

	TRY(find(app, &f));
	u = pg_unit_new();
	if (!f.is_there)
		add_first(app, u, &f.row);
	if (!f.is_there || uuid_is_nil(f.row.agent_id))
		add_agent(app, u, &f.row);
	struct err e = create_add_key(app, u,
				      &(struct new_key){ .workspace = f.row.workspace_id,
							 .id = create_id(app),
							 .name = STR("bootstrap"),
							 .scopes = STR(ALL_SCOPES),
							 .rate_per_minute = PG_NULL_I64 },
				      key);
	if (is_err(e)) {
		pg_unit_free(u);
		return e;
	}
	create_add_audit(app, u, f.row.workspace_id, "bootstrap", STR("workspace"));
	TRY(app_do(app, u, NULL, NULL));
	print_made(&f.row, key.p);
	return OK;
}

struct err cmd_bootstrap(struct app *app)
{
	char key[API_KEY_SIZE];
	struct err e = OK;

	if (*app->settings.api_key == '\0')
		create_key_text(false, key);
	else if (strlen(app->settings.api_key) >= sizeof(key))
		return ERR(ERR_INVALID, "BELFRY_API_KEY is not a key of the right form");
	else
		memcpy(key, app->settings.api_key, strlen(app->settings.api_key) + 1);
	for (int i = 0; i < TRIES; i++) {
		e = try_once(app, str_from(key));
		if (e.code != ERR_CONFLICT)
			break;
	}
	mem_wipe(key, sizeof(key));
	return e;
}
