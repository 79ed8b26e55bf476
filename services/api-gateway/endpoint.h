/* What the handlers of webhook endpoints and deliveries share: checks of input, and both as JSON. */
#ifndef BELFRY_API_GATEWAY_ENDPOINT_H
#define BELFRY_API_GATEWAY_ENDPOINT_H

#include "request.h"
#include "sec/webhook_sig.h"
#include "store_gen.h"
#include "json/json_out.h"

#define ENDPOINT_URL_MAX 8192 /* of the decoder; url_policy has the last word */
#define ENDPOINT_DESCRIPTION_MAX 2000

/* Faults of "url"; none for STR_NONE. */
void endpoint_check_url(struct req *r, struct str url);
/* The event types of a body's array, in the arena; "*" may be among them where `may_be_all`. Empty
 * for NULL. */
struct pg_array endpoint_check_types(struct req *r, const char *name, const struct json_value *v,
				     bool may_be_all);
bool endpoint_is_event_type(struct str s);
/* A secret that nobody had before, and its sealed form, in the arena. The caller wipes it. */
struct str endpoint_new_secret(struct req *r, struct uuid id, char secret[WEBHOOK_SECRET_SIZE]);

/* An object without its closing brace. */
void endpoint_render_open(struct json_out *j, const struct api_endpoint_list_row *e);
/* A row of api_delivery_list or api_delivery_get. */
void delivery_render_open(struct json_out *j, const struct api_delivery_list_row *d);
/* Adds the statement that reads the endpoint of r->ids[0] to r->unit. */
void endpoint_add_read(struct req *r);
/* 409 for a disabled endpoint. */
void endpoint_fail_disabled(struct req *r);

#endif
