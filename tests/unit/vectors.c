/* Reads the files from the working directory, which is the root of the repository. */
#include "vectors.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "check.h"

#define FILE_MAX ((size_t)1 << 20)

struct json_doc *vectors_load(const char *file)
{
	char path[256];
	struct json_doc *d = NULL;
	size_t at = 0;
	char *text = xmalloc(FILE_MAX);
	(void)snprintf(path, sizeof(path), "proto/vectors/%s", file);
	FILE *f = fopen(path, "rb");
	if (!f)
		fail_msg("%s is not there: run from the root of the repository", path);
	size_t n = fread(text, 1, FILE_MAX, f);
	fclose(f);
	struct err e =
		json_parse((struct str){ text, n },
			   (struct json_limits){ .max_bytes = FILE_MAX, .max_depth = 8 }, &d, &at);
	free(text);
	CHECK(!is_err(e), "%s: %s at byte %zu", path, e.what, at);
	return d;
}

const struct json_value *vectors_first(const struct json_doc *d, const char *list)
{
	const struct json_value *v = json_get(json_doc_root(d), list);
	CHECK(v && json_type(v) == JSON_ARRAY && json_count(v) > 0, "%s", list);
	return json_first(v);
}

static const struct json_value *member(const struct json_value *row, const char *key)
{
	const struct json_value *v = json_get(row, key);
	CHECK(v != NULL, "%s is missing", key);
	return v;
}

struct str vectors_str(const struct json_value *row, const char *key)
{
	struct str s = json_as_str(member(row, key));
	CHECK(s.p != NULL, "%s is not a string", key);
	return s;
}

int64_t vectors_i64(const struct json_value *row, const char *key)
{
	int64_t v = 0;
	CHECK(json_as_i64(member(row, key), &v), "%s is not an integer", key);
	return v;
}

bool vectors_bool(const struct json_value *row, const char *key)
{
	bool v = false;
	CHECK(json_as_bool(member(row, key), &v), "%s is not a boolean", key);
	return v;
}

static unsigned hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	CHECK(c >= 'a' && c <= 'f', "'%c' is not hexadecimal", c);
	return (unsigned)(c - 'a' + 10);
}

size_t vectors_bytes(const struct json_value *row, const char *key, void *out, size_t max)
{
	struct str s = vectors_str(row, key);
	uint8_t *to = out;
	CHECK(s.n % 2 == 0 && s.n / 2 <= max, "%s is too long", key);
	for (size_t i = 0; i < s.n / 2; i++)
		to[i] = (uint8_t)(hex_digit(s.p[2 * i]) << 4 | hex_digit(s.p[2 * i + 1]));
	return s.n / 2;
}
