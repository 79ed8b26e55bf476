/* A problem is read leniently: whatever stands between here and the API may answer too, in HTML. */
#include "problem.h"

#include "text.h"
#include "json/json_in.h"

#define MAX_BYTES ((size_t)4 * 1024 * 1024)
#define DEPTH 32
#define SHOWN_FAULTS 20
#define SHOWN_EXCERPT ((size_t)200)

int problem_exit_code(int status)
{
	if (status >= 200 && status < 300)
		return EXIT_DONE;
	if (status == 401 || status == 403)
		return EXIT_ACCESS;
	if (status == 404)
		return EXIT_ABSENT;
	if (status == 409 || status == 412)
		return EXIT_CONFLICT;
	if (status == 0 || status == 408 || status == 429 || status >= 500)
		return EXIT_AWAY;
	return EXIT_REFUSED;
}

static struct err parse(struct str body, struct json_doc **out)
{
	return json_parse(body, (struct json_limits){ MAX_BYTES, DEPTH }, out, NULL);
}

static struct str member(const struct json_value *object, const char *key)
{
	const struct json_value *v =
		json_type(object) == JSON_OBJECT ? json_get(object, key) : NULL;

	return v == NULL ? STR_NONE : json_as_str(v);
}

bool problem_is(struct str body, const char *code)
{
	struct json_doc *d;

	if (is_err(parse(body, &d)))
		return false;
	bool same = str_eq(member(json_doc_root(d), "code"), str_from(code));
	json_doc_free(d);
	return same;
}

/* " (--from)" after "/from_number". */
static void add_option(struct str pointer, const enum option *options, struct strbuf *out)
{
	struct str field = pointer, rest;

	if (str_starts(pointer, STR("/")))
		field = (struct str){ pointer.p + 1, pointer.n - 1 };
	(void)str_split(field, '/', &field, &rest); /* without one it is all of it */
	enum option o = option_of_field(options, field);
	if (o != OPT_END)
		strbuf_addf(out, " (%s)", option_rules[o].name);
}

static void add_fault(const struct json_value *f, const enum option *options, struct strbuf *out)
{
	struct str pointer = member(f, "pointer"), detail = member(f, "detail");

	if (pointer.n == 0)
		pointer = member(f, "parameter");
	strbuf_add(out, STR("  "));
	text_clean(pointer, out);
	if (pointer.n > 0) {
		add_option(pointer, options, out);
		strbuf_add(out, STR(": "));
	}
	text_clean(detail.n > 0 ? detail : member(f, "code"), out);
	if (detail.n > 0 && member(f, "code").n > 0) {
		strbuf_add(out, STR(" ["));
		text_clean(member(f, "code"), out);
		strbuf_add_c(out, ']');
	}
	strbuf_add_c(out, '\n');
}

static void add_faults(const struct json_value *root, const enum option *options,
		       struct strbuf *out)
{
	const struct json_value *list = json_get(root, "errors");
	int shown = 0;

	if (list == NULL || json_type(list) != JSON_ARRAY)
		return;
	for (const struct json_value *f = json_first(list); f != NULL; f = json_next(f)) {
		if (json_type(f) == JSON_OBJECT && shown++ < SHOWN_FAULTS)
			add_fault(f, options, out);
	}
	if (shown > SHOWN_FAULTS)
		strbuf_addf(out, "  and %d more; --json has them all\n", shown - SHOWN_FAULTS);
}

static void add_state(const struct json_value *root, struct strbuf *out)
{
	const struct json_value *allowed = json_get(root, "allowed");
	const char *sep = "";

	if (member(root, "current_status").n > 0) {
		strbuf_add(out, STR("  it is "));
		text_clean(member(root, "current_status"), out);
		if (allowed != NULL && json_type(allowed) == JSON_ARRAY) {
			strbuf_add(out, STR("; possible now: "));
			if (json_count(allowed) == 0)
				strbuf_add(out, STR("nothing"));
			for (const struct json_value *a = json_first(allowed); a != NULL;
			     a = json_next(a)) {
				strbuf_add(out, str_from(sep));
				text_clean(json_as_str(a), out);
				sep = ", ";
			}
		}
		strbuf_add_c(out, '\n');
	}
	if (member(root, "scope").n > 0) {
		strbuf_add(out, STR("  it needs the scope "));
		text_clean(member(root, "scope"), out);
		strbuf_add_c(out, '\n');
	}
	if (member(root, "request_id").n > 0) {
		strbuf_add(out, STR("  request "));
		text_clean(member(root, "request_id"), out);
		strbuf_add_c(out, '\n');
	}
}

static void add_stranger(struct str body, int status, struct strbuf *out)
{
	strbuf_addf(out, "belfry: the answer is %d, and not one of Belfry's: ", status);
	text_clean((struct str){ body.p, min_size(body.n, SHOWN_EXCERPT) }, out);
	strbuf_add_c(out, '\n');
}

void problem_render(struct str body, int status, const enum option *options, struct strbuf *out)
{
	struct json_doc *d;

	if (is_err(parse(body, &d))) {
		add_stranger(body, status, out);
		return;
	}
	const struct json_value *root = json_doc_root(d);
	struct str detail = member(root, "detail"), code = member(root, "code");
	if (code.n == 0) {
		add_stranger(body, status, out);
	} else {
		strbuf_add(out, STR("belfry: "));
		text_clean(detail.n > 0 ? detail : member(root, "title"), out);
		strbuf_addf(out, " (%d ", status);
		text_clean(code, out);
		strbuf_add(out, STR(")\n"));
		add_faults(root, options, out);
		add_state(root, out);
	}
	json_doc_free(d);
}
