/* One request to the API and its answer, on libcurl's easy interface. A command does one thing at a
 * time and has nothing to do meanwhile, so it waits here; every wait has a deadline. */
#ifndef BELFRY_CLI_TRANSFER_H
#define BELFRY_CLI_TRANSFER_H

#include "base/err.h"
#include "base/str.h"

struct transfer_line; /* the connection, kept from one request to the next */

enum transfer_end {
	TRANSFER_ANSWERED = 0, /* whole, whatever its status */
	TRANSFER_UNREACHED,    /* no connection: nothing was sent */
	TRANSFER_LOST,         /* no answer: nobody knows whether it was carried out */
	TRANSFER_CUT,          /* the answer began, and broke off */
	TRANSFER_STOPPED       /* the sink had enough, or its file failed */
};

/* Takes a piece of an answer of 2xx; false ends the transfer. */
typedef bool (*transfer_sink_fn)(struct str piece, void *arg);
typedef void (*transfer_progress_fn)(int64_t sent, void *arg);

#define TRANSFER_WORDS_SIZE 256
#define TRANSFER_HEADER_SIZE 128
#define TRANSFER_NO_UPLOAD (-1)
#define TRANSFER_KEY_SIZE 40

struct transfer {
	/* The request. Texts are borrowed and NUL-terminated, or NULL. */
	const char *method, *content_type, *idempotency_key, *last_event_id, *accept;
	char fresh_key[TRANSFER_KEY_SIZE]; /* room for an idempotency_key made for it */
	struct strbuf url;
	struct strbuf body;    /* sent where there is a content_type and no upload */
	int upload_fd;         /* or TRANSFER_NO_UPLOAD; read in pieces, never held */
	int64_t upload_bytes;  /* -1: nobody knows */
	bool is_long;          /* no deadline for all of it, only for a silence of a minute */
	transfer_sink_fn sink; /* NULL: the answer is collected */
	transfer_progress_fn progress;
	void *arg; /* of both */

	/* The answer. */
	enum transfer_end end;
	int status; /* 0 without one */
	struct strbuf answer;
	char retry_after[TRANSFER_HEADER_SIZE]; /* "" without */
	char words[TRANSFER_WORDS_SIZE];        /* why it ended, where that was no answer */
	bool has_sunk;                          /* the sink was given something */
};

/* `ca_file` "" is the system's. Both are borrowed. */
struct transfer_line *transfer_line_new(const char *api_key, const char *ca_file);
void transfer_line_free(struct transfer_line *l); /* accepts NULL */

void transfer_init(struct transfer *t, const char *method);
void transfer_deinit(struct transfer *t);
/* Sends once. May be called again for another try: an upload begins anew then, if it can. */
void transfer_run(struct transfer_line *l, struct transfer *t);

#endif
