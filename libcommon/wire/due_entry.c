/* The payload of a due stream's entry, one line of words:
 *
 *   1 <call> <campaign> <workspace> <number> <due_at> <in_line> <per_min x 3> <limits_at>
 *
 * Text instead of binary: `redis-cli XRANGE` shows what waits, and what it costs is lost in the
 * cost of the stream. */
#include "wire/due_entry.h"

#include "wire/wire_text.h"

#define DUE_VERSION STR("1")

void due_entry_encode(const struct due_entry *e, struct strbuf *out)
{
	struct wire_out o;
	wire_out_init(&o, out);
	wire_put_word(&o, DUE_VERSION);
	wire_put_uuid(&o, e->call_id);
	wire_put_uuid(&o, e->campaign_id);
	wire_put_uuid(&o, e->workspace_id);
	wire_put_uuid(&o, e->number_id);
	wire_put_i64(&o, e->due_at, WIRE_INSTANT_MAX);
	wire_put_i64(&o, e->in_line ? 1 : 0, 1);
	wire_put_i64(&o, e->limits.campaign_per_min, WIRE_PER_MIN_MAX);
	wire_put_i64(&o, e->limits.workspace_per_min, WIRE_PER_MIN_MAX);
	wire_put_i64(&o, e->limits.number_per_min, WIRE_PER_MIN_MAX);
	wire_put_i64(&o, e->limits_at, WIRE_INSTANT_MAX);
}

struct err due_entry_decode(struct str s, struct due_entry *out)
{
	struct wire_in in;
	wire_in_init(&in, s);
	if (!str_eq(wire_get_word(&in), DUE_VERSION))
		return ERR(ERR_PROTOCOL, "a due entry of an unknown version");
	struct due_entry e = { .call_id = wire_get_uuid(&in) };
	e.campaign_id = wire_get_uuid(&in);
	e.workspace_id = wire_get_uuid(&in);
	e.number_id = wire_get_uuid(&in);
	e.due_at = wire_get_i64(&in, WIRE_INSTANT_MAX);
	e.in_line = wire_get_i64(&in, 1) == 1;
	e.limits.campaign_per_min = wire_get_i64(&in, WIRE_PER_MIN_MAX);
	e.limits.workspace_per_min = wire_get_i64(&in, WIRE_PER_MIN_MAX);
	e.limits.number_per_min = wire_get_i64(&in, WIRE_PER_MIN_MAX);
	e.limits_at = wire_get_i64(&in, WIRE_INSTANT_MAX);
	if (!wire_in_is_done(&in))
		return ERR(ERR_PROTOCOL, "a due entry that is malformed");
	if (uuid_is_nil(e.call_id) || uuid_is_nil(e.workspace_id))
		return ERR(ERR_PROTOCOL, "a due entry without a call or a workspace");
	*out = e;
	return OK;
}
