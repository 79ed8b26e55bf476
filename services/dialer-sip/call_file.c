/* Lines are gathered and written together; PATH.new becomes PATH by a rename. */
#include "call_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "dial/append_file.h"
#include "json/json_in.h"
#include "json/json_out.h"

#define LINE_MAX_BYTES ((size_t)512 * 1024)
#define OLD_LINES_MIN 50000

struct call_file {
	char *path, *path_new; /* NULL = none is kept */
	struct append_file *file;
	size_t lines;
};

/* --- writing --------------------------------------------------------------------------------- */

static struct strbuf *begin_line(struct call_file *f)
{
	f->lines++;
	return append_file_buf(f->file);
}

void call_file_dial(struct call_file *f, const struct call *c, size_t slot)
{
	struct json_out j;

	if (!f->file)
		return;
	struct strbuf *b = begin_line(f);
	json_out_init(&j, b);
	json_object_begin(&j);
	json_kv_id(&j, "dial", ID_ATTEMPT, c->held.id);
	json_kv_i64(&j, "slot", (int64_t)slot);
	json_key(&j, "op");
	dialer_op_encode(&c->op, b);
	j.need_comma = true;
	json_object_end(&j);
	strbuf_add_c(b, '\n');
}

static void add_leg(struct json_out *j, const char *key, const struct leg *l)
{
	struct leg_record r;

	if (!l)
		return;
	leg_save(l, &r);
	json_key(j, key);
	json_object_begin(j);
	json_kv_cstr(j, "call_id", r.call_id);
	json_kv_cstr(j, "tag", r.tag);
	json_kv_cstr(j, "remote_tag", r.remote_tag);
	json_kv_cstr(j, "to", r.to);
	json_kv_cstr(j, "from", r.from);
	json_kv_cstr(j, "target", r.target);
	json_kv_cstr(j, "routes", r.routes);
	json_kv_cstr(j, "branch", r.branch);
	json_kv_cstr(j, "transport", r.transport);
	json_kv_cstr(j, "peer", r.peer);
	json_kv_i64(j, "cseq", r.cseq);
	json_kv_i64(j, "invite_cseq", r.invite_cseq);
	json_kv_bool(j, "is_up", r.is_up);
	json_object_end(j);
}

static void add_end(struct json_out *j, const struct desk_attempt *a)
{
	json_kv_i64(j, "sip", a->sip);
	json_kv_i64(j, "ended_us", a->ended_us);
	json_kv_i64(j, "seq", a->end.seq);
	json_kv_i64(j, "outcome", a->end.outcome);
	json_kv_i64(j, "q850", a->end.q850);
	json_kv_i64(j, "retry_after_us", a->end.retry_after_us);
	json_kv_i64(j, "end_ring_us", a->end.ring_us);
	json_kv_i64(j, "end_talk_us", a->end.talk_us);
	json_kv_i64(j, "by", a->end.by);
}

void call_file_at(struct call_file *f, const struct call *c)
{
	struct json_out j;

	if (!f->file)
		return;
	struct strbuf *b = begin_line(f);
	json_out_init(&j, b);
	json_object_begin(&j);
	json_kv_id(&j, "at", ID_ATTEMPT, c->held.id);
	json_kv_i64(&j, "step", c->step);
	json_kv_i64(&j, "agent_step", c->agent_step);
	json_kv_i64(&j, "state", c->held.state);
	json_kv_i64(&j, "dialed_at", c->held.dialed_at);
	json_kv_bool(&j, "has_rung", c->held.has_rung);
	json_kv_bool(&j, "is_bridged", c->held.is_bridged);
	json_kv_i64(&j, "rang_us", c->held.rang_us);
	json_kv_i64(&j, "answered_us", c->held.answered_us);
	json_kv_i64(&j, "bridged_us", c->held.bridged_us);
	json_kv_i64(&j, "callee_version", c->callee_origin.version);
	json_kv_i64(&j, "agent_version", c->agent_origin.version);
	json_kv_bool(&j, "is_late_offer", c->is_late_offer);
	if (c->step == CALL_OVER)
		add_end(&j, &c->held);
	add_leg(&j, "callee", c->callee);
	add_leg(&j, "agent", c->agent);
	json_object_end(&j);
	strbuf_add_c(b, '\n');
}

void call_file_done(struct call_file *f, struct uuid id)
{
	struct json_out j;

	if (!f->file)
		return;
	struct strbuf *b = begin_line(f);
	json_out_init(&j, b);
	json_object_begin(&j);
	json_kv_id(&j, "done", ID_ATTEMPT, id);
	json_object_end(&j);
	strbuf_add_c(b, '\n');
}

struct err call_file_flush(struct call_file *f)
{
	return f->file ? append_file_flush(f->file) : OK;
}

/* --- reading --------------------------------------------------------------------------------- */

static struct str text(const struct json_value *v, const char *key)
{
	const struct json_value *m = json_get(v, key);

	return m ? json_as_str(m) : STR_NONE;
}

static void copy_member(const struct json_value *v, const char *key, char *out, size_t size)
{
	struct str s = text(v, key);
	size_t n = min_size(s.n, size - 1);

	if (n > 0)
		memcpy(out, s.p, n);
	out[n] = '\0';
}

static int64_t number(const struct json_value *v, const char *key)
{
	int64_t n = 0;
	const struct json_value *m = json_get(v, key);

	return m && json_as_i64(m, &n) ? n : 0;
}

static bool truth(const struct json_value *v, const char *key)
{
	bool is_true = false;
	const struct json_value *m = json_get(v, key);

	return m && json_as_bool(m, &is_true) && is_true;
}

static bool read_leg(const struct json_value *v, struct leg_record *r)
{
	if (!v || json_type(v) != JSON_OBJECT)
		return false;
	*r = (struct leg_record){ .cseq = number(v, "cseq"),
				  .invite_cseq = number(v, "invite_cseq"),
				  .is_up = truth(v, "is_up") };
	copy_member(v, "call_id", r->call_id, sizeof(r->call_id));
	copy_member(v, "tag", r->tag, sizeof(r->tag));
	copy_member(v, "remote_tag", r->remote_tag, sizeof(r->remote_tag));
	copy_member(v, "to", r->to, sizeof(r->to));
	copy_member(v, "from", r->from, sizeof(r->from));
	copy_member(v, "target", r->target, sizeof(r->target));
	copy_member(v, "routes", r->routes, sizeof(r->routes));
	copy_member(v, "branch", r->branch, sizeof(r->branch));
	copy_member(v, "transport", r->transport, sizeof(r->transport));
	copy_member(v, "peer", r->peer, sizeof(r->peer));
	return r->call_id[0] != '\0';
}

static void read_end(const struct json_value *v, struct desk_attempt *a)
{
	int64_t outcome = number(v, "outcome"), by = number(v, "by");

	a->sip = number(v, "sip");
	a->ended_us = number(v, "ended_us");
	a->end = (struct dialer_end){ .seq = number(v, "seq"),
				      .q850 = number(v, "q850"),
				      .retry_after_us = number(v, "retry_after_us"),
				      .ring_us = number(v, "end_ring_us"),
				      .talk_us = number(v, "end_talk_us") };
	a->end.outcome =
		outcome > 0 && outcome < OUTCOME_COUNT ? (enum outcome)outcome : OUTCOME_UNCERTAIN;
	a->end.by = by > 0 && by < DIALER_BY_COUNT ? (enum dialer_by)by : DIALER_BY_NONE;
}

bool call_file_read_state(const struct json_value *v, struct call *c, struct call_state *out)
{
	*out = (struct call_state){ .step = number(v, "step"),
				    .agent_step = number(v, "agent_step") };
	if (out->step < 0 || out->step >= CALL_STEP_COUNT || out->agent_step < 0 ||
	    out->agent_step >= AGENT_STEP_COUNT)
		return false;
	c->held.dialed_at = number(v, "dialed_at");
	c->held.has_rung = truth(v, "has_rung");
	c->held.is_bridged = truth(v, "is_bridged");
	c->held.ringing_sip = 180;
	c->held.rang_us = number(v, "rang_us");
	c->held.answered_us = number(v, "answered_us");
	c->held.bridged_us = number(v, "bridged_us");
	c->callee_origin.version = (unsigned)number(v, "callee_version");
	c->agent_origin.version = (unsigned)number(v, "agent_version");
	c->is_late_offer = truth(v, "is_late_offer");
	if (out->step == CALL_OVER)
		read_end(v, &c->held);
	out->has_callee = read_leg(json_get(v, "callee"), &out->callee);
	out->has_agent = read_leg(json_get(v, "agent"), &out->agent);
	return true;
}

static void read_line(struct str line, const struct call_file_reader *r)
{
	struct json_limits limits = { .max_bytes = LINE_MAX_BYTES, .max_depth = 34 };
	struct json_doc *doc = NULL;
	struct uuid id;

	/* A line that is not whole is the end of a write that a crash cut short. */
	if (is_err(json_parse(line, limits, &doc, NULL)))
		return;
	const struct json_value *v = json_doc_root(doc);
	if (json_type(v) != JSON_OBJECT) {
		json_doc_free(doc);
		return;
	}
	const struct json_value *op = json_get(v, "op");
	if (!is_err(id_parse(ID_ATTEMPT, text(v, "dial"), &id)) && op) {
		struct strbuf b;
		strbuf_init(&b, LINE_MAX_BYTES);
		json_print(op, &b);
		r->dial(id, (size_t)max_i64(0, number(v, "slot")), strbuf_str(&b), r->arg);
		strbuf_deinit(&b);
	} else if (!is_err(id_parse(ID_ATTEMPT, text(v, "at"), &id))) {
		r->at(id, v, r->arg);
	} else if (!is_err(id_parse(ID_ATTEMPT, text(v, "done"), &id))) {
		r->done(id, r->arg);
	}
	json_doc_free(doc);
}

static struct err read_all(const char *path, const struct call_file_reader *r)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	if (!file)
		return errno == ENOENT ? OK : ERR(ERR_IO, "cannot read the file of calls");
	while ((n = getline(&line, &cap, file)) > 0)
		read_line((struct str){ line, (size_t)n }, r);
	bool is_bad = ferror(file) != 0;
	free(line);
	(void)fclose(file); /* only read */
	return is_bad ? ERR(ERR_IO, "cannot read the file of calls") : OK;
}

/* --- life ------------------------------------------------------------------------------------ */

bool call_file_is_old(const struct call_file *f, size_t held)
{
	return f->file && f->lines > OLD_LINES_MIN && f->lines / 8 > held;
}

struct err call_file_begin(struct call_file *f)
{
	if (!f->path)
		return OK;
	append_file_close(f->file);
	f->file = NULL;
	f->lines = 0;
	if (unlink(f->path_new) != 0 && errno != ENOENT)
		return ERR(ERR_IO, "cannot make the file of calls anew");
	return append_file_open(f->path_new, &f->file);
}

struct err call_file_commit(struct call_file *f)
{
	if (!f->path)
		return OK;
	TRY(append_file_flush(f->file));
	return rename(f->path_new, f->path) == 0 ? OK
						 : ERR(ERR_IO, "cannot rename the file of calls");
}

struct err call_file_open(const char *path, const struct call_file_reader *r,
			  struct call_file **out)
{
	struct call_file *f = xcalloc(1, sizeof(*f));
	struct err e = OK;

	if (*path) {
		struct strbuf b;
		f->path = xstrdup(path);
		strbuf_init(&b, 8192);
		strbuf_addf(&b, "%s.new", path);
		f->path_new = strbuf_detach(&b);
		e = read_all(path, r);
	}
	if (is_err(e)) {
		call_file_close(f);
		return e;
	}
	*out = f;
	return OK;
}

void call_file_close(struct call_file *f)
{
	if (!f)
		return;
	append_file_close(f->file);
	free(f->path);
	free(f->path_new);
	free(f);
}
