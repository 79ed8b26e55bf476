/* Identifiers: UUIDv7 (RFC 9562) in memory and in Postgres, and outside as TypeID: a kind's
 * prefix, an underscore and 26 characters of lower-case Crockford base32 (cmp_01h455vb4pex5...).
 * Random bits come in as an argument. */
#ifndef BELFRY_BASE_UUID_H
#define BELFRY_BASE_UUID_H

#include "base/err.h"
#include "base/str.h"

struct uuid {
	uint8_t b[16];
};

enum id_kind {
	ID_CAMPAIGN = 0, /* cmp */
	ID_TARGET,       /* tgt */
	ID_CALL,         /* call */
	ID_ATTEMPT,      /* att */
	ID_CONVERSATION, /* cnv */
	ID_AGENT,        /* agt */
	ID_NUMBER,       /* num */
	ID_TRUNK,        /* trk */
	ID_ENDPOINT,     /* whk */
	ID_EVENT,        /* evt */
	ID_DELIVERY,     /* dlv */
	ID_IMPORT,       /* imp */
	ID_SUPPRESSION,  /* sup */
	ID_KEY,          /* key */
	ID_WORKSPACE,    /* ws */
	ID_DISPATCHER,   /* dsp: one incarnation of a dispatcher */
	ID_SENDER,       /* snd: one incarnation of a webhook-sender */
	ID_AUDIT,        /* aud: a line of the audit trail */
	ID_TEST,         /* tst: one test of a trunk */
	ID_SESSION,      /* ses: of the dashboard */
	ID_KIND_COUNT
};

#define ID_TEXT_SIZE 32 /* the longest prefix, '_', 26 characters, NUL */
#define UUID_TEXT_SIZE 37

extern const struct uuid UUID_NIL;

/* `random` gives 10 bytes; the instant's milliseconds lead, so ids sort by time. */
struct uuid uuid_v7(usec_t at, const uint8_t random[10]);
usec_t uuid_v7_at(struct uuid id); /* the instant inside, whole milliseconds */
bool uuid_eq(struct uuid a, struct uuid b);
int uuid_cmp(struct uuid a, struct uuid b);
bool uuid_is_nil(struct uuid id);
uint64_t uuid_hash(struct uuid id);

const char *id_prefix(enum id_kind kind);
/* Writes "cmp_...", NUL-terminated; returns `out`. */
char *id_format(enum id_kind kind, struct uuid id, char out[ID_TEXT_SIZE]);
/* The exact form of that kind only; upper case and other kinds are ERR_INVALID. */
struct err id_parse(enum id_kind kind, struct str s, struct uuid *out) MUST_USE;
char *uuid_format(struct uuid id, char out[UUID_TEXT_SIZE]); /* 8-4-4-4-12, lower case */
struct err uuid_parse(struct str s, struct uuid *out) MUST_USE;

#endif
