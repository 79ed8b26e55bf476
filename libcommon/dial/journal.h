/* What this dialer has sent to the carrier and what it has promised never to send, on a file that
 * outlives the process. An id is written before its request leaves, so after a crash an id that is
 * missing was never sent.
 *
 * Bounded twice: an id is kept for a day, and at most some million ids are kept, in two generations
 * of which the older one is dropped when the younger is full. Ids carry their instant, so whatever
 * was dropped is at or before a horizon; there the journal says that it does not know. No dial can
 * be that late, since expires_at is seconds after the id was made.
 *
 * Flushed pages survive this process, not the machine. So the journal names the boot it belongs to:
 * after another boot, ids from before it that are missing are not known either, and the instance,
 * made of the journal's identity and the boot, is another one. */
#ifndef BELFRY_DIAL_JOURNAL_H
#define BELFRY_DIAL_JOURNAL_H

#include "base/err.h"
#include "base/uuid.h"

enum journal_word {
	JOURNAL_NEW = 0, /* neither sent nor void: it may be dialed */
	JOURNAL_SENT,
	JOURNAL_VOID,
	JOURNAL_FORGOTTEN /* too old to know */
};

struct journal;

struct journal_options {
	const char *path;    /* "" = in memory: every start is a new instance */
	const char *boot_id; /* of this machine's boot */
	struct uuid fresh;   /* identity of a journal that is made now */
	usec_t now;
	size_t generation_max; /* ids in one generation */
};

#define JOURNAL_INSTANCE_SIZE 17 /* with the NUL */
#define JOURNAL_KEEP_US (24 * 3600 * USEC_PER_SEC)

/* ERR_CONFLICT when another process holds this journal, ERR_INVALID when the file is no journal. */
struct err journal_open(const struct journal_options *o, struct journal **out) MUST_USE;
void journal_close(struct journal *j);
const char *journal_instance(const struct journal *j);
enum journal_word journal_look_up(const struct journal *j, struct uuid id);
/* On the file after the next flush; nothing may leave the process before. */
void journal_sent(struct journal *j, struct uuid id);
void journal_void(struct journal *j, struct uuid id);
/* A failure is final: what was added may or may not be on the file, so the process has to end. */
struct err journal_flush(struct journal *j, usec_t now) MUST_USE;

#endif
