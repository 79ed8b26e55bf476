/* Reads JSON from outside: one value, whole input, valid UTF-8, depth and size limits, no
 * duplicate keys, no \u0000, integers exact (cJSON alone accepts all of these wrongly; it only
 * holds the tree behind a strict scanner). Then a table of fields decodes an object into a plain
 * struct and collects every fault with its JSON pointer, so that an answer can list them all. */
#ifndef BELFRY_JSON_JSON_IN_H
#define BELFRY_JSON_JSON_IN_H

#include "base/arena.h"
#include "base/err.h"
#include "base/uuid.h"

struct json_doc;   /* owns the text and the tree */
struct json_value; /* one node, borrowed from its document */

enum json_type { JSON_NULL = 0, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_limits {
	size_t max_bytes;
	unsigned max_depth; /* 32 for the API */
};

/* Values in one document, scalars included: what a hostile body can cost in memory. */
#define JSON_NODES_MAX 500000

/* ERR_TOO_LARGE over max_bytes or JSON_NODES_MAX; ERR_INVALID for malformed text, `what` says why in one literal and
 * *at_out (may be NULL) is the byte offset (of the object, when a key stands twice). A \u0000 anywhere is ERR_DENIED so that the API can
 * answer 422 instead of 400. */
struct err json_parse(struct str text, struct json_limits limits, struct json_doc **out,
		      size_t *at_out) MUST_USE;
void json_doc_free(struct json_doc *d);
const struct json_value *json_doc_root(const struct json_doc *d);

enum json_type json_type(const struct json_value *v);
struct str json_as_str(const struct json_value *v);         /* STR_NONE if not a string */
bool json_as_i64(const struct json_value *v, int64_t *out); /* exact integers only */
struct str json_number_text(const struct json_value *v);    /* the literal; or STR_NONE */
bool json_as_double(const struct json_value *v, double *out);
bool json_as_bool(const struct json_value *v, bool *out);
size_t json_count(const struct json_value *v);                   /* members or elements */
const struct json_value *json_first(const struct json_value *v); /* of an object or array */
const struct json_value *json_next(const struct json_value *v);
struct str json_name(const struct json_value *v); /* key of an object's member */
/* Exact, case-sensitive; NULL when absent. */
const struct json_value *json_get(const struct json_value *object, const char *key);
/* Canonical text (members in order of appearance) appended to b: variables, settings, policies. */
void json_print(const struct json_value *v, struct strbuf *b);

/* --- faults ------------------------------------------------------------------------------ */

struct json_fault {
	char pointer[160];  /* RFC 6901, "/targets/17/to_number" */
	const char *code;   /* an error code of the API: "invalid_e164", "validation_error" */
	const char *detail; /* a literal */
};

#define JSON_FAULTS_MAX 100

struct json_faults {
	struct json_fault v[JSON_FAULTS_MAX];
	size_t n;     /* listed */
	size_t total; /* found */
};

/* `base` is the pointer of the enclosing object ("" at the root), `key` one more token, escaped
 * here; NULL for the object itself. */
void json_fault_add(struct json_faults *f, const char *base, const char *key, const char *code,
		    const char *detail);

/* --- table decoder ----------------------------------------------------------------------- */

enum json_kind {
	JSON_K_STR,     /* struct str, in the arena; min/max are bytes; null leaves STR_NONE */
	JSON_K_I64,     /* int64_t; min/max are the range */
	JSON_K_SECONDS, /* usec_t from a number of seconds, fractions allowed; min/max in usec */
	JSON_K_BOOL,    /* bool */
	JSON_K_TIME,    /* usec_t from RFC 3339 */
	JSON_K_ID,      /* struct uuid; `id` is its kind */
	JSON_K_E164,    /* struct str; code invalid_e164 */
	JSON_K_OBJECT,  /* const struct json_value *: any object, decoded by the caller */
	JSON_K_ARRAY    /* const struct json_value * */
};

struct json_field {
	const char *name;
	enum json_kind kind;
	size_t offset;         /* of the value in the struct */
	size_t present_offset; /* of a bool set when the key is there; SIZE_MAX = none */
	bool required;
	bool nullable;    /* null: present, as STR_NONE, nil, USEC_NEVER or NULL; numbers
				   and booleans keep their default */
	int64_t min, max; /* both 0 = no limit (JSON_K_STR: 0..1024 bytes) */
	enum id_kind id;
};

struct json_decoder {
	const struct json_field *fields;
	size_t n;            /* at most 64 */
	bool strict;         /* unknown members are faults; otherwise they are skipped */
	const char *base;    /* the object's own pointer, "" at the root */
	struct arena *arena; /* strings are copied into it */
	struct json_faults *faults;
};

/* Decodes `object` (must be one) by the table into `out`, which the caller has initialised with
 * defaults. Returns true without a fault. */
bool json_decode(const struct json_value *object, struct json_decoder how, void *out);

#endif
