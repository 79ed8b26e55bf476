/* Reading the tree, and writing a part of it back. */
#include "json/json_in.h"

#include <string.h>

#include "base/parse.h"
#include "json/json_out.h"
#include "json/json_tree.h"

const struct json_value *json_doc_root(const struct json_doc *d)
{
	return json_from_node(d->root);
}

enum json_type json_type(const struct json_value *v)
{
	switch (json_node(v)->type & 0xff) {
	case cJSON_False:
	case cJSON_True:
		return JSON_BOOL;
	case cJSON_Raw:
		return JSON_NUMBER;
	case cJSON_String:
		return JSON_STRING;
	case cJSON_Array:
		return JSON_ARRAY;
	case cJSON_Object:
		return JSON_OBJECT;
	default: /* an int of cJSON's, not an enum; the scanner makes no other kind */
		return JSON_NULL;
	}
}

/* The literal of a number, the text of a string. */
static struct str text_of(const struct json_value *v, enum json_type type)
{
	return json_type(v) == type ? str_from(json_node(v)->valuestring) : STR_NONE;
}

struct str json_as_str(const struct json_value *v)
{
	return text_of(v, JSON_STRING);
}

struct str json_number_text(const struct json_value *v)
{
	return text_of(v, JSON_NUMBER);
}

bool json_as_i64(const struct json_value *v, int64_t *out)
{
	return !is_err(parse_i64(json_number_text(v), INT64_MIN, INT64_MAX, out));
}

bool json_as_double(const struct json_value *v, double *out)
{
	struct err e = parse_double(json_number_text(v), -1.7976931348623157e308,
				    1.7976931348623157e308, out);
	return !is_err(e);
}

bool json_as_bool(const struct json_value *v, bool *out)
{
	if (json_type(v) != JSON_BOOL)
		return false;
	*out = cJSON_IsTrue(json_node(v)) != 0;
	return true;
}

size_t json_count(const struct json_value *v)
{
	size_t n = 0;
	for (const struct json_value *c = json_first(v); c; c = json_next(c))
		n++;
	return n;
}

const struct json_value *json_first(const struct json_value *v)
{
	return json_from_node(json_node(v)->child);
}

const struct json_value *json_next(const struct json_value *v)
{
	return json_from_node(json_node(v)->next);
}

struct str json_name(const struct json_value *v)
{
	return str_from(json_node(v)->string);
}

const struct json_value *json_get(const struct json_value *object, const char *key)
{
	return json_from_node(cJSON_GetObjectItemCaseSensitive(json_node(object), key));
}

static void print_value(const struct json_value *v, struct json_out *j)
{
	enum json_type type = json_type(v);
	bool is_true = false;
	switch (type) {
	case JSON_NULL:
		json_null(j);
		break;
	case JSON_BOOL:
		(void)json_as_bool(v, &is_true); /* the type was just seen */
		json_bool(j, is_true);
		break;
	case JSON_NUMBER:
		json_raw(j, json_number_text(v));
		break;
	case JSON_STRING:
		json_str(j, json_as_str(v));
		break;
	case JSON_ARRAY:
		json_array_begin(j);
		for (const struct json_value *c = json_first(v); c; c = json_next(c))
			print_value(c, j);
		json_array_end(j);
		break;
	case JSON_OBJECT:
		json_object_begin(j);
		for (const struct json_value *c = json_first(v); c; c = json_next(c)) {
			json_key(j, json_node(c)->string);
			print_value(c, j);
		}
		json_object_end(j);
		break;
	}
}

void json_print(const struct json_value *v, struct strbuf *b)
{
	struct json_out j;
	json_out_init(&j, b);
	print_value(v, &j);
}
