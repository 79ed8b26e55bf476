/* Where the API is, and the key for it: from the environment, or from the file that `belfry login`
 * writes (mode 0600, in the form of the local stack's env file). The file's key goes to the file's
 * URL and nowhere else. */
#ifndef BELFRY_CLI_SESSION_H
#define BELFRY_CLI_SESSION_H

#include "base/err.h"
#include "base/str.h"

#define SESSION_URL_SIZE 2049
#define SESSION_KEY_SIZE 129

struct session {
	char url[SESSION_URL_SIZE]; /* without a slash at the end; "" = none */
	char key[SESSION_KEY_SIZE]; /* "" = none */
};

/* Pure: checks the form and drops slashes at the end. */
struct err session_set_url(struct session *s, struct str url) MUST_USE;
struct err session_set_key(struct session *s, struct str key) MUST_USE;
/* Pure: reads the file's text. */
struct err session_parse(struct str text, struct session *out) MUST_USE;

/* ERR_NOT_FOUND without a file; ERR_DENIED where others may read it. */
struct err session_load(struct session *out) MUST_USE;
struct err session_store(const struct session *s, struct strbuf *path_out) MUST_USE;
/* *existed_out is false where there was nothing to forget. */
struct err session_forget(bool *existed_out) MUST_USE;

#endif
