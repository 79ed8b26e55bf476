/* Cron expressions of five fields, as docs/schedules.md defines them: parsed into bit masks, printed
 * back in their normal form, searched for the next local minute that matches. Zones and instants are
 * the business of domain/occurrence.h. */
#ifndef BELFRY_DOMAIN_CRON_H
#define BELFRY_DOMAIN_CRON_H

#include "base/err.h"
#include "base/str.h"

#define CRON_TEXT_MAX 1024   /* bytes of an expression; longer ones are refused */
#define CRON_NORMAL_SIZE 288 /* of a printed one, with the NUL */
#define CRON_FAULT_SIZE 160

enum cron_field { CRON_MINUTE, CRON_HOUR, CRON_DAY, CRON_MONTH, CRON_WEEKDAY, CRON_FIELD_COUNT };

struct cron {
	uint64_t set[CRON_FIELD_COUNT]; /* bit v: the field allows v; Sunday is 0 only */
	uint8_t stars;                  /* bit f: an item of field f is `*` or `*` with a step */
	bool is_day_restricted;         /* the day of month is neither `*` nor `*` with step 1 */
	bool is_weekday_restricted;
	bool is_interval; /* minute or hour contains `*`; otherwise a fixed-time schedule */
	bool is_never;    /* well-formed, but no date matches, in any year */
};

/* Why an expression is refused. */
struct cron_fault {
	enum cron_field field; /* CRON_FIELD_COUNT: the expression as a whole */
	size_t column;         /* of the offending byte, the first is 1 */
	const char *what;      /* a literal */
};

/* ERR_INVALID with the reason in *fault_out. An expression that never fires is no failure here. */
struct err cron_parse(struct str text, struct cron *out, struct cron_fault *fault_out) MUST_USE;
/* "day of month, column 5: a value is out of range 1-31" */
void cron_fault_print(const struct cron_fault *f, char out[CRON_FAULT_SIZE]);
/* A sentence for the caller about an expression that other crons read differently, or NULL. */
const char *cron_warning(const struct cron *c);

/* The normal form: numbers, one space between fields; it parses to the same schedule. */
void cron_print(const struct cron *c, char out[CRON_NORMAL_SIZE]);

/* The first local minute in [from_min, before_min) that matches, in minutes since 1970-01-01 00:00
 * of the proleptic Gregorian calendar without a zone. False when there is none. Takes time in the
 * number of months in between at most. */
bool cron_next_local(const struct cron *c, int64_t from_min, int64_t before_min, int64_t *out);

#endif
