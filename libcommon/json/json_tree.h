/* Inside this floor only: how a json_value is made. A node is a cJSON item that borrows its text
 * from the document: keys and strings as references, numbers as raw items that keep every digit.
 *   JSON_NUMBER  cJSON_Raw, valuestring = the literal
 *   JSON_STRING  cJSON_String | cJSON_IsReference */
#ifndef BELFRY_JSON_JSON_TREE_H
#define BELFRY_JSON_JSON_TREE_H

#include <cjson/cJSON.h>

#include "json/json_in.h"

struct json_doc {
	char *text; /* the decoded strings and the numbers, each with its NUL */
	cJSON *root;
};

static inline const cJSON *json_node(const struct json_value *v)
{
	return (const cJSON *)(const void *)v;
}

static inline const struct json_value *json_from_node(const cJSON *node)
{
	return (const struct json_value *)(const void *)node;
}

#endif
