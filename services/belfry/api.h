/* Requests as commands make them: from a row of the table, sent again where that is safe, failures
 * told in the API's own words. */
#ifndef BELFRY_CLI_API_H
#define BELFRY_CLI_API_H

#include "app.h"

/* Appends the session's URL and the path, its places filled by arguments, percent-encoded. Returns
 * how many arguments were used. */
size_t api_url(struct app *app, const char *path, const struct str *args, struct strbuf *out);
/* Appends "?name=value" or "&name=value", percent-encoded. */
void api_query(struct strbuf *url, const char *name, struct str value);
/* The query from the options of PLACE_QUERY that were given. */
void api_query_options(const struct app *app, struct strbuf *url);

/* The body from the options of PLACE_BODY that were given, and the arguments after the first
 * `n_used` as the command's arg_field. A fault is told; returns an exit code. */
int api_body(struct app *app, size_t n_used, struct strbuf *out);

/* Gives the transfer its Idempotency-Key: the option's, or a fresh one. */
void api_make_idempotent(const struct app *app, struct transfer *t);

/* Sends, and sends again (again.h). EXIT_DONE for a whole answer of 2xx, which then stands in the
 * transfer; what else happens is told, and its exit code returned. */
int api_send(struct app *app, struct transfer *t);

/* Tells why a transfer did not end well; its exit code. */
int api_tell(const struct app *app, const struct transfer *t);

/* The command's own request, from its row, options and arguments; ready to be sent. */
int api_request(struct app *app, const struct command *c, struct transfer *t);

#endif
