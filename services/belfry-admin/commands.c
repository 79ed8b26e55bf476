/* The small commands: each builds one unit, checks that it had an effect and prints its answer. */
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "create.h"
#include "pg/pg_codec.h"
#include "sec/api_key.h"
#include "store_gen.h"

static void read_affected(const struct pg_unit *u, void *arg)
{
	int64_t *n = arg;

	*n = pg_result_affected(pg_unit_result(u, 0));
}

static bool is_given(const struct app *app, enum option o)
{
	return (app->options.given & OPT_BIT(o)) != 0;
}

/* Runs a unit whose first statement affects one row, or none for the reason given. */
static struct err do_one(struct app *app, struct pg_unit *u, const char *none_because)
{
	int64_t n = 0;

	TRY(app_do(app, u, read_affected, &n));
	return n == 1 ? OK : ERR(ERR_NOT_FOUND, none_because);
}

static void print_id(enum id_kind kind, struct uuid id)
{
	char text[ID_TEXT_SIZE];

	printf("%s\n", id_format(kind, id, text));
}

/* Adds the audit line that names what was made. */
static void audit_made(struct app *app, struct pg_unit *u, const char *action, enum id_kind kind,
		       struct uuid id)
{
	char text[ID_TEXT_SIZE];

	create_add_audit(app, u, kind == ID_WORKSPACE ? id : app->options.workspace, action,
			 str_from(id_format(kind, id, text)));
}

struct err cmd_workspace_create(struct app *app)
{
	const struct options *o = &app->options;
	struct uuid id = create_id(app);
	struct pg_unit *u = pg_unit_new();

	add_admin_workspace_create(u, &(struct admin_workspace_create_args){
					      .workspace_id = id,
					      .name = o->text[OPT_NAME],
					      .timezone = is_given(app, OPT_TIMEZONE)
								  ? o->text[OPT_TIMEZONE]
								  : STR("Asia/Kolkata"),
					      .calls_per_minute = o->number[OPT_CALLS_PER_MINUTE],
					      .max_concurrent = o->number[OPT_MAX_CONCURRENT],
				      });
	audit_made(app, u, "workspace.create", ID_WORKSPACE, id);
	TRY(do_one(app, u, "there is no such time zone"));
	print_id(ID_WORKSPACE, id);
	return OK;
}

struct err cmd_workspace_limits(struct app *app)
{
	const struct options *o = &app->options;
	struct pg_unit *u = pg_unit_new();

	add_admin_workspace_limits(
		u, &(struct admin_workspace_limits_args){
			   .workspace_id = o->workspace,
			   .set_calls_per_minute = is_given(app, OPT_CALLS_PER_MINUTE),
			   .calls_per_minute = o->number[OPT_CALLS_PER_MINUTE],
			   .set_max_concurrent = is_given(app, OPT_MAX_CONCURRENT),
			   .max_concurrent = o->number[OPT_MAX_CONCURRENT],
			   .set_requests_per_minute = is_given(app, OPT_REQUESTS_PER_MINUTE),
			   .requests_per_minute = o->number[OPT_REQUESTS_PER_MINUTE],
			   .set_credit = is_given(app, OPT_CREDIT_S),
			   .credit_s = o->number[OPT_CREDIT_S],
			   .set_billing_increment = is_given(app, OPT_BILLING_INCREMENT_S),
			   .billing_increment_s = o->number[OPT_BILLING_INCREMENT_S],
		   });
	create_add_audit(app, u, o->workspace, "workspace.limits", STR("workspace"));
	return do_one(app, u, "there is no such workspace");
}

static void read_credit(const struct pg_unit *u, void *arg)
{
	struct admin_workspace_credit_row row;
	int64_t *credit_s = arg;

	if (pg_result_rows(pg_unit_result(u, 0)) == 0)
		return;
	get_admin_workspace_credit(pg_unit_result(u, 0), 0, &row);
	*credit_s = row.credit_s;
}

struct err cmd_workspace_credit(struct app *app)
{
	const struct options *o = &app->options;
	struct pg_unit *u = pg_unit_new();
	int64_t credit_s = PG_NULL_I64;

	add_admin_workspace_credit(
		u, &(struct admin_workspace_credit_args){ .workspace_id = o->workspace,
							  .add_s = o->number[OPT_ADD_S] });
	create_add_audit(app, u, o->workspace, "workspace.credit", STR("workspace"));
	TRY(app_do(app, u, read_credit, &credit_s));
	if (credit_s == PG_NULL_I64)
		return ERR(ERR_NOT_FOUND, "there is no such workspace");
	printf("%" PRId64 "\n", credit_s);
	return OK;
}

struct err cmd_key_create(struct app *app)
{
	const struct options *o = &app->options;
	struct new_key k = { .workspace = o->workspace,
			     .id = create_id(app),
			     .name = o->text[OPT_NAME],
			     .scopes = o->text[OPT_SCOPES],
			     .rate_per_minute = is_given(app, OPT_RATE_PER_MINUTE)
							? o->number[OPT_RATE_PER_MINUTE]
							: 600,
			     .is_test = is_given(app, OPT_TEST) };
	struct pg_unit *u = pg_unit_new();
	char key[API_KEY_SIZE];

	create_key_text(k.is_test, key);
	struct err e = create_add_key(app, u, &k, str_from(key));
	if (is_err(e)) {
		pg_unit_free(u);
		return e;
	}
	audit_made(app, u, "key.create", ID_KEY, k.id);
	TRY(do_one(app, u, "there is no such workspace"));
	printf("%s\n", key);
	return OK;
}

struct err cmd_agent_create(struct app *app)
{
	struct uuid id = create_id(app);
	struct pg_unit *u = pg_unit_new();

	add_admin_agent_create(u, &(struct admin_agent_create_args){
					  .workspace_id = app->options.workspace,
					  .id = id,
					  .name = app->options.text[OPT_NAME],
					  .endpoint = STR("{}"),
				  });
	audit_made(app, u, "agent.create", ID_AGENT, id);
	TRY(do_one(app, u, "there is no such workspace"));
	print_id(ID_AGENT, id);
	return OK;
}

struct err cmd_trunk_create(struct app *app)
{
	struct uuid id = create_id(app);
	struct pg_unit *u = pg_unit_new();

	add_admin_trunk_create(u, &(struct admin_trunk_create_args){
					  .workspace_id = app->options.workspace,
					  .id = id,
					  .name = app->options.text[OPT_NAME],
					  .dialer = app->options.text[OPT_DIALER],
				  });
	audit_made(app, u, "trunk.create", ID_TRUNK, id);
	TRY(do_one(app, u, "there is no such workspace"));
	print_id(ID_TRUNK, id);
	return OK;
}

struct err cmd_number_create(struct app *app)
{
	const struct options *o = &app->options;
	struct uuid id = create_id(app);

	if (!parse_is_e164(o->text[OPT_E164]))
		return ERR(ERR_INVALID, "--e164 is + and 7 to 15 digits, the first not 0");
	struct pg_unit *u = pg_unit_new();
	add_admin_number_create(u, &(struct admin_number_create_args){
					   .workspace_id = o->workspace,
					   .id = id,
					   .e164 = o->text[OPT_E164],
					   .trunk_id = o->trunk,
					   .calls_per_minute = o->number[OPT_CALLS_PER_MINUTE],
					   .max_concurrent = o->number[OPT_MAX_CONCURRENT],
				   });
	audit_made(app, u, "number.create", ID_NUMBER, id);
	TRY(do_one(app, u, "there is no such trunk in that workspace"));
	print_id(ID_NUMBER, id);
	return OK;
}
