/* Failures in the API's own words (RFC 9457). */
#ifndef BELFRY_CLI_PROBLEM_H
#define BELFRY_CLI_PROBLEM_H

#include "app.h"

/* The exit code of an answer's status, or of none (0). Pure. */
int problem_exit_code(int status);
/* Whether the answer is the problem with this code. Pure. */
bool problem_is(struct str body, const char *code);
/* Appends what to tell: the title or detail, status and code, each fault with its pointer and, where
 * it came from one, the option; what the state allows, the request's id. Pure. */
void problem_render(struct str body, int status, const enum option *options, struct strbuf *out);

#endif
