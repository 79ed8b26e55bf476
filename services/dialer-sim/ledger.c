/* Lines of the ledger, in the order of proto/dialer.md. */
#include "ledger.h"

#include <stdlib.h>

#include "base/mem.h"
#include "dial/append_file.h"
#include "json/json_out.h"

struct ledger {
	struct append_file *file; /* NULL = no ledger is kept */
};

struct err ledger_open(const char *path, struct ledger **out)
{
	struct append_file *file = NULL;

	if (*path)
		TRY(append_file_open(path, &file));
	struct ledger *l = xcalloc(1, sizeof(*l));
	l->file = file;
	*out = l;
	return OK;
}

void ledger_close(struct ledger *l)
{
	if (!l)
		return;
	append_file_close(l->file);
	free(l);
}

static void begin(struct ledger *l, struct json_out *j, usec_t at, const char *ev, struct uuid id)
{
	json_out_init(j, append_file_buf(l->file));
	json_object_begin(j);
	json_kv_i64(j, "t_us", at);
	json_kv_cstr(j, "ev", ev);
	json_kv_id(j, "id", ID_ATTEMPT, id);
}

static void end(struct ledger *l, struct json_out *j)
{
	json_object_end(j);
	strbuf_add_c(append_file_buf(l->file), '\n');
}

void ledger_dial(struct ledger *l, usec_t at, const struct dialer_op *op)
{
	const struct dialer_op_dial *d = &op->dial;
	struct json_out j;

	if (!l->file)
		return;
	begin(l, &j, at, "dial", op->id);
	json_kv_id(&j, "call", ID_CALL, d->call);
	json_kv_id(&j, "campaign", ID_CAMPAIGN, d->campaign);
	json_kv_str(&j, "to", d->to);
	json_kv_str(&j, "from", d->from);
	json_kv_id(&j, "trunk", ID_TRUNK, d->trunk);
	json_kv_i64(&j, "attempt", d->attempt);
	if (d->traceparent.n > 0)
		json_kv_str(&j, "traceparent", d->traceparent);
	if (d->tracestate.n > 0)
		json_kv_str(&j, "tracestate", d->tracestate);
	end(l, &j);
}

void ledger_outcome(struct ledger *l, usec_t at, struct uuid id, enum outcome o, int64_t sip)
{
	struct json_out j;

	if (!l->file)
		return;
	begin(l, &j, at, "outcome", id);
	json_kv_cstr(&j, "outcome", outcome_name(o));
	json_kv_i64(&j, "sip", sip);
	end(l, &j);
}

void ledger_hangup(struct ledger *l, usec_t at, struct uuid id)
{
	struct json_out j;

	if (!l->file)
		return;
	begin(l, &j, at, "hangup", id);
	end(l, &j);
}

struct err ledger_flush(struct ledger *l)
{
	return l->file ? append_file_flush(l->file) : OK;
}
