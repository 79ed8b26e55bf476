/* The strict reader against cJSON's own parser: whatever we accept, cJSON accepts too and sees the
 * same tree; what we print, we read again as the same text; and a table decodes it without harm. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "json/json_in.h"

#define CJSON_NUMBER_MAX 63 /* characters; cJSON cuts longer ones */

static const struct json_limits limits = { .max_bytes = 1 << 20, .max_depth = 32 };

struct decoded {
	struct str text, number;
	int64_t integer;
	usec_t seconds, time;
	bool is_true;
	struct uuid id;
	const struct json_value *object, *array;
};

#define FIELD(name_, kind_, member)                                                                \
	{                                                                                          \
		.name = (name_), .kind = (kind_), .offset = offsetof(struct decoded, member),      \
		.present_offset = SIZE_MAX, .nullable = true                                       \
	}

static const struct json_field fields[] = {
	FIELD("name", JSON_K_STR, text),       FIELD("to_number", JSON_K_E164, number),
	FIELD("rate", JSON_K_I64, integer),    FIELD("delay_s", JSON_K_SECONDS, seconds),
	FIELD("end_at", JSON_K_TIME, time),    FIELD("enabled", JSON_K_BOOL, is_true),
	FIELD("agent_id", JSON_K_ID, id),      FIELD("variables", JSON_K_OBJECT, object),
	FIELD("targets", JSON_K_ARRAY, array),
};

/* Not what cJSON reads out of the tree that it holds for us, but what its parser made itself. */
static void compare(const struct json_value *ours, const cJSON *theirs)
{
	struct str text = json_as_str(ours), number = json_number_text(ours);
	bool is_true = false;
	double v;
	switch (json_type(ours)) {
	case JSON_NULL:
		ASSERT(cJSON_IsNull(theirs));
		break;
	case JSON_BOOL:
		ASSERT(json_as_bool(ours, &is_true) && is_true == (cJSON_IsTrue(theirs) != 0));
		ASSERT(cJSON_IsBool(theirs));
		break;
	case JSON_NUMBER:
		ASSERT(number.n > 0 && cJSON_IsNumber(theirs));
		ASSERT(json_as_double(ours, &v) && !(fabs(v - theirs->valuedouble) > 0));
		break;
	case JSON_STRING:
		ASSERT(cJSON_IsString(theirs) && strcmp(text.p, theirs->valuestring) == 0);
		ASSERT(str_is_utf8(text) && !memchr(text.p, '\0', text.n));
		break;
	case JSON_ARRAY:
	case JSON_OBJECT:
		ASSERT(json_type(ours) == JSON_ARRAY ? cJSON_IsArray(theirs)
						     : cJSON_IsObject(theirs));
		break;
	}
	const struct json_value *a = json_first(ours);
	const cJSON *b = theirs->child;
	for (; a && b; a = json_next(a), b = b->next) {
		if (json_type(ours) == JSON_OBJECT) {
			ASSERT(strcmp(json_name(a).p, b->string) == 0);
			ASSERT(json_get(ours, b->string) == a);
		}
		compare(a, b);
	}
	ASSERT(!a && !b);
}

static bool has_long_number(const struct json_value *v)
{
	if (json_number_text(v).n > CJSON_NUMBER_MAX)
		return true;
	for (const struct json_value *c = json_first(v); c; c = json_next(c)) {
		if (has_long_number(c))
			return true;
	}
	return false;
}

static void compare_with_cjson(struct str text, const struct json_value *root)
{
	if (has_long_number(root))
		return;
	cJSON *theirs = cJSON_ParseWithLength(text.p, text.n);
	ASSERT(theirs != NULL);
	compare(root, theirs);
	cJSON_Delete(theirs);
}

static void print_and_read_again(const struct json_value *root)
{
	struct strbuf once, twice;
	struct json_doc *again = NULL;
	strbuf_init(&once, limits.max_bytes);
	strbuf_init(&twice, limits.max_bytes);
	json_print(root, &once);
	/* a text of control characters may grow beyond the limit */
	if (!strbuf_overflowed(&once)) {
		struct err e = json_parse(strbuf_str(&once), limits, &again, NULL);
		ASSERT(!is_err(e));
		json_print(json_doc_root(again), &twice);
		ASSERT(str_eq(strbuf_str(&once), strbuf_str(&twice)));
		json_doc_free(again);
	}
	strbuf_deinit(&once);
	strbuf_deinit(&twice);
}

static void decode(const struct json_value *v)
{
	if (json_type(v) == JSON_OBJECT) {
		struct arena *a = arena_new();
		struct decoded out = { .integer = 0 };
		struct json_faults faults = { .n = 0 };
		bool good = json_decode(v,
					(struct json_decoder){ .fields = fields,
							       .n = ARRAY_LEN(fields),
							       .strict = true,
							       .base = "",
							       .arena = a,
							       .faults = &faults },
					&out);
		ASSERT(good == (faults.total == 0) && faults.n <= faults.total);
		ASSERT(faults.total <= json_count(v));
		for (size_t i = 0; i < faults.n; i++)
			ASSERT(str_is_utf8(str_from(faults.v[i].pointer)));
		arena_free(a);
	}
	for (const struct json_value *c = json_first(v); c; c = json_next(c))
		decode(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct json_doc *d = NULL;
	size_t at = SIZE_MAX;
	struct err e = json_parse(text, limits, &d, &at);
	if (is_err(e)) {
		ASSERT(!d && at <= size && e.what[0]);
		return 0;
	}
	ASSERT(str_is_utf8(text));
	compare_with_cjson(text, json_doc_root(d));
	print_and_read_again(json_doc_root(d));
	decode(json_doc_root(d));
	json_doc_free(d);
	return 0;
}
