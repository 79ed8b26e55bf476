/* What becomes of a webhook delivery: six attempts on a schedule, the table of answers, the rules
 * of an endpoint's pace, and which sender an endpoint belongs to. Pure: the moment and the random
 * numbers come in as arguments. The state machine stands in proto/webhooks.md. */
#ifndef BELFRY_DOMAIN_DELIVERY_H
#define BELFRY_DOMAIN_DELIVERY_H

#include "base/err.h"
#include "base/str.h"
#include "base/uuid.h"

#define DELIVERY_ATTEMPTS 6
#define DELIVERY_DELAY_MAX_US (30 * 24 * 3600 * USEC_PER_SEC)
#define DELIVERY_GATE_MAX_US (24 * 3600 * USEC_PER_SEC) /* the longest Retry-After obeyed */
#define DELIVERY_SCHEDULE_DEFAULT "0,5,300,1800,14400,72000"

/* delay_us[n] stands between the outcome of attempt n and attempt n + 1; delay_us[0] between the
 * event and the first one. */
struct delivery_schedule {
	usec_t delay_us[DELIVERY_ATTEMPTS];
};

/* "0,5,300,1800,14400,72000": exactly six numbers of seconds, fractions allowed, each multiplied
 * by `scale` (0 to 1000). */
struct err delivery_schedule_parse(struct str text, double scale,
				   struct delivery_schedule *out) MUST_USE;

/* The delay before attempt `number` (1..6), jittered: times 0.8 to 1.2 for unit_random in [0, 1). */
usec_t delivery_delay(const struct delivery_schedule *s, int number, double unit_random);

/* --- one attempt ---------------------------------------------------------------------------- */

enum delivery_answer {
	DELIVERY_ANSWERED = 0, /* complete headers came: status says the rest */
	DELIVERY_TIMEOUT,
	DELIVERY_NOT_CONNECTED, /* DNS, connect, TLS */
	DELIVERY_BROKEN,        /* closed, reset, not HTTP, headers too large */
	DELIVERY_BLOCKED,       /* the address is denied: no packet left */
	DELIVERY_ANSWER_COUNT
};

struct delivery_facts {
	int number; /* of the attempt, 1..6 */
	enum delivery_answer answer;
	int status;
	struct str retry_after; /* header text, or STR_NONE */
	usec_t duration_us;
};

enum delivery_next { DELIVERY_DELIVERED = 0, DELIVERY_RETRY, DELIVERY_DEAD, DELIVERY_NEXT_COUNT };

/* What an attempt says about its endpoint's row of time-outs and failed connects. */
enum delivery_streak {
	DELIVERY_STREAK_KEEP = 0,
	DELIVERY_STREAK_ENDS,
	DELIVERY_STREAK_GROWS,
	DELIVERY_STREAK_COUNT
};

struct delivery_verdict {
	enum delivery_next next;
	const char *reason;     /* of a dead letter: "attempts_exhausted", "gone"; else NULL */
	usec_t delay_us;        /* DELIVERY_RETRY: until the next attempt, gate included */
	usec_t gate_us;         /* > 0: nothing goes to the endpoint for so long */
	bool disables_endpoint; /* 410 */
	enum delivery_streak streak;
};

/* The outcome table of proto/webhooks.md. `now` is only for a Retry-After that names a date. */
struct delivery_verdict delivery_judge(const struct delivery_schedule *s,
				       const struct delivery_facts *f, usec_t now,
				       double unit_random);

/* Retry-After, both forms: seconds, or an HTTP date (in any form of RFC 9110). The wait from
 * now, at most DELIVERY_GATE_MAX_US; 0 when it is absent, wrong or past. */
usec_t delivery_retry_after(struct str text, usec_t now);

/* --- an endpoint's pace --------------------------------------------------------------------- */

#define DELIVERY_ENDPOINT_PARALLEL 8
#define DELIVERY_STREAK_LIMIT 5
/* A failed connect quicker than this costs nothing and does not count in the row. */
#define DELIVERY_QUICK_US USEC_PER_SEC

/* Requests at a time to one endpoint: 1 after five time-outs or failed connects in a row, else 8,
 * never over an eighth of the sender's limit, and no more than twice as many as the endpoint has
 * answered quickly of late (`proven`), so that unknown endpoints that hang cannot fill the sender
 * before their row of time-outs shows. */
int delivery_parallel(int streak, int proven, int sender_limit);

/* A dead letter on an endpoint that failed for so long, without a success and with at least so many
 * attempts, disables it. */
#define DELIVERY_DISABLE_AFTER_US (72 * 3600 * USEC_PER_SEC)
#define DELIVERY_DISABLE_ATTEMPTS 20

/* Which of the senders an endpoint belongs to (rendezvous hashing): every sender that knows the same
 * ones answers the same, and one that comes or goes moves only its own share. n > 0. */
struct uuid delivery_sender_of(struct uuid endpoint_id, const struct uuid *senders, size_t n);

#endif
