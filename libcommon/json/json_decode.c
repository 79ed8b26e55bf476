/* Tables of fields into plain structs, and the list of what was wrong. */
#include "json/json_in.h"

#include <math.h>
#include <string.h>

#include "base/parse.h"
#include "base/timefmt.h"

#define STR_MAX_DEFAULT 1024

#define INVALID "validation_error"

/* --- faults ------------------------------------------------------------------------------- */

struct pointer {
	char *p;
	size_t n, max;
};

/* Adds whole characters only: what does not fit ends the pointer. */
static void pointer_add(struct pointer *to, struct str s)
{
	size_t n = min_size(s.n, to->max - to->n);
	n = str_utf8_prefix((struct str){ s.p, n });
	if (n)
		memcpy(to->p + to->n, s.p, n);
	to->n += n;
	if (n < s.n)
		to->max = to->n;
}

static void pointer_add_token(struct pointer *to, struct str token)
{
	pointer_add(to, STR("/"));
	for (size_t i = 0; i < token.n;) {
		size_t run = 0;
		while (i + run < token.n && token.p[i + run] != '~' && token.p[i + run] != '/')
			run++;
		pointer_add(to, (struct str){ token.p + i, run });
		i += run;
		/* half an escape would be another pointer */
		if (to->max - to->n < 2)
			to->max = to->n;
		if (i < token.n)
			pointer_add(to, token.p[i++] == '~' ? STR("~0") : STR("~1"));
	}
}

static void add_fault(struct json_faults *f, const char *base, struct str key, const char *code,
		      const char *detail)
{
	f->total++;
	if (f->n == JSON_FAULTS_MAX)
		return;
	struct json_fault *fault = &f->v[f->n++];
	struct pointer to = { .p = fault->pointer, .max = sizeof(fault->pointer) - 1 };
	pointer_add(&to, str_from(base));
	if (key.p)
		pointer_add_token(&to, key);
	fault->pointer[to.n] = '\0';
	fault->code = code;
	fault->detail = detail;
}

void json_fault_add(struct json_faults *f, const char *base, const char *key, const char *code,
		    const char *detail)
{
	add_fault(f, base, str_from(key), code, detail);
}

/* --- one value ---------------------------------------------------------------------------- */

/* What is wrong with a value; code NULL = nothing. */
struct verdict {
	const char *code, *detail;
};

#define GOOD ((struct verdict){ NULL, NULL })
#define BAD(detail) ((struct verdict){ INVALID, (detail) })

static bool has_limits(const struct json_field *f)
{
	return f->min != 0 || f->max != 0;
}

static struct verdict decode_str(const struct json_field *f, const struct json_value *v,
				 struct arena *a, struct str *at)
{
	struct str s = json_as_str(v);
	int64_t min = has_limits(f) ? f->min : 0;
	int64_t max = has_limits(f) ? f->max : STR_MAX_DEFAULT;
	if (!s.p)
		return BAD("must be a string");
	if ((int64_t)s.n < min)
		return s.n == 0 ? BAD("must not be empty") : BAD("is too short");
	if ((int64_t)s.n > max)
		return BAD("is too long");
	*at = arena_str(a, s);
	return GOOD;
}

static struct verdict decode_i64(const struct json_field *f, const struct json_value *v,
				 int64_t *at)
{
	int64_t n;
	if (!json_as_i64(v, &n))
		return BAD("must be an integer");
	if (has_limits(f) && (n < f->min || n > f->max))
		return BAD("is out of range");
	*at = n;
	return GOOD;
}

static struct verdict decode_seconds(const struct json_field *f, const struct json_value *v,
				     usec_t *at)
{
	/* "1.5" is exact as text; forms such as 1e-1 go through a double */
	usec_t span;
	if (is_err(parse_seconds(json_number_text(v), INT64_MIN, INT64_MAX, &span))) {
		double seconds;
		if (!json_as_double(v, &seconds))
			return BAD("must be a number of seconds");
		if (fabs(seconds) > 9e12)
			return BAD("is out of range");
		span = llround(seconds * 1e6);
	}
	if (has_limits(f) && (span < f->min || span > f->max))
		return BAD("is out of range");
	*at = span;
	return GOOD;
}

static struct verdict decode_time(const struct json_value *v, usec_t *at)
{
	struct str s = json_as_str(v);
	if (!s.p || is_err(timefmt_parse(s, at)))
		return BAD("must be an RFC 3339 time, such as 2026-03-29T08:30:00.000Z");
	return GOOD;
}

static struct verdict decode_id(const struct json_field *f, const struct json_value *v,
				struct uuid *at)
{
	struct str s = json_as_str(v);
	if (!s.p || is_err(id_parse(f->id, s, at)))
		return BAD("must be an id of the right kind");
	return GOOD;
}

static struct verdict decode_e164(const struct json_value *v, struct arena *a, struct str *at)
{
	struct str s = json_as_str(v);
	if (!s.p || !parse_is_e164(s))
		return (struct verdict){ "invalid_e164", "must be E.164, such as +14155550123" };
	*at = arena_str(a, s);
	return GOOD;
}

static struct verdict decode_value(const struct json_field *f, const struct json_value *v,
				   struct arena *a, void *at)
{
	switch (f->kind) {
	case JSON_K_STR:
		return decode_str(f, v, a, at);
	case JSON_K_I64:
		return decode_i64(f, v, at);
	case JSON_K_SECONDS:
		return decode_seconds(f, v, at);
	case JSON_K_BOOL:
		return json_as_bool(v, at) ? GOOD : BAD("must be true or false");
	case JSON_K_TIME:
		return decode_time(v, at);
	case JSON_K_ID:
		return decode_id(f, v, at);
	case JSON_K_E164:
		return decode_e164(v, a, at);
	case JSON_K_OBJECT:
		if (json_type(v) != JSON_OBJECT)
			return BAD("must be an object");
		memcpy(at, &v, sizeof(v));
		return GOOD;
	case JSON_K_ARRAY:
		if (json_type(v) != JSON_ARRAY)
			return BAD("must be an array");
		memcpy(at, &v, sizeof(v));
		return GOOD;
	}
	return BAD("is of no known kind");
}

/* null where it is allowed: "no value" in the kinds that have one, else the default stays. */
static void decode_null(const struct json_field *f, void *at)
{
	switch (f->kind) {
	case JSON_K_STR:
	case JSON_K_E164:
		*(struct str *)at = STR_NONE;
		break;
	case JSON_K_ID:
		*(struct uuid *)at = UUID_NIL;
		break;
	case JSON_K_TIME:
		*(usec_t *)at = USEC_NEVER;
		break;
	case JSON_K_OBJECT:
	case JSON_K_ARRAY:
		*(const struct json_value **)at = NULL;
		break;
	case JSON_K_I64:
	case JSON_K_SECONDS:
	case JSON_K_BOOL:
		break;
	}
}

/* --- the table ---------------------------------------------------------------------------- */

static const struct json_field *find_field(const struct json_field *fields, size_t n,
					   struct str name)
{
	for (size_t i = 0; i < n; i++) {
		if (str_eq(name, str_from(fields[i].name)))
			return &fields[i];
	}
	return NULL;
}

static struct verdict decode_member(const struct json_field *f, const struct json_value *v,
				    struct arena *a, void *out)
{
	char *base = out;
	if (json_type(v) == JSON_NULL && f->nullable)
		decode_null(f, base + f->offset);
	else {
		struct verdict verdict = decode_value(f, v, a, base + f->offset);
		if (verdict.code)
			return verdict;
	}
	if (f->present_offset != SIZE_MAX)
		*(bool *)(void *)(base + f->present_offset) = true;
	return GOOD;
}

bool json_decode(const struct json_value *object, struct json_decoder how, void *out)
{
	struct json_faults *faults = how.faults;
	size_t before = faults->total;
	uint64_t seen = 0;
	ASSERT(how.n <= 64 && json_type(object) == JSON_OBJECT);
	for (const struct json_value *m = json_first(object); m; m = json_next(m)) {
		const struct json_field *f = find_field(how.fields, how.n, json_name(m));
		struct verdict verdict = GOOD;
		if (f) {
			seen |= UINT64_C(1) << (f - how.fields);
			verdict = decode_member(f, m, how.arena, out);
		} else if (how.strict) {
			verdict = BAD("is not a field of this object");
		}
		if (verdict.code)
			add_fault(faults, how.base, json_name(m), verdict.code, verdict.detail);
	}
	for (size_t i = 0; i < how.n; i++) {
		if (how.fields[i].required && !(seen >> i & 1))
			json_fault_add(faults, how.base, how.fields[i].name, INVALID,
				       "is required");
	}
	return faults->total == before;
}
