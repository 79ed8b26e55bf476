/* Units in one transaction: which of those that wait go together, and what becomes of each when the
 * transaction has ended.
 *
 * A transaction costs the server and us about as much as the small statements in it: a wake-up, a
 * snapshot, a commit with its flush. So short units that come in one turn of the loop share one.
 * What they must not share is a fault: when the server refuses one, nothing of the others took
 * effect either, and each goes again by itself. */
#include "pg/pg_impl.h"

#include <string.h>

#define LOOKED_AT_MAX 64 /* of those that wait, for each transaction */

void pg_unit_share(struct pg_unit *u, struct uuid with)
{
	ASSERT(u->state == PG_UNIT_BUILDING);
	u->share = with;
}

void pg_share_take(struct pg_pool *p, struct list *out)
{
	struct list_node *node = list_pop_front(&p->waiting), *next;
	struct uuid share = pg_unit_of(node)->share;

	list_push_back(out, node);
	if (uuid_is_nil(share))
		return;
	node = list_first(&p->waiting);
	for (int i = 0; node != NULL && i < LOOKED_AT_MAX && out->n < PG_SHARE_MAX; i++) {
		next = list_next(&p->waiting, node);
		if (uuid_eq(pg_unit_of(node)->share, share)) {
			list_remove(&p->waiting, node);
			list_push_back(out, node);
		}
		node = next;
	}
}

struct pg_unit *pg_share_answering(const struct list *sent)
{
	struct list_node *node = list_first(sent);

	while (!pg_unit_of(node)->is_last &&
	       pg_unit_of(node)->n_seen >= pg_unit_of(node)->n_expected)
		node = list_next(sent, node);
	return pg_unit_of(node);
}

/* A session that broke, or that is no good, is nobody's fault. */
static bool is_refused(const struct pg_unit *u)
{
	return u->sqlstate[0] != '\0' && u->failure.code != ERR_UNAVAILABLE;
}

static void fail_like(struct pg_unit *u, const struct pg_unit *failed)
{
	u->failure = failed->failure;
	memcpy(u->sqlstate, failed->sqlstate, sizeof(u->sqlstate));
	u->message = arena_cstr(u->arena, str_from(failed->message));
}

struct pg_share_end pg_share_end(const struct list *sent)
{
	struct pg_share_end end = { .n = 0 };
	struct list_node *node = list_first(sent);
	const struct pg_unit *failed = NULL, *u;

	do {
		u = pg_unit_of(node);
		if (failed == NULL && (is_refused(u) || u->failure.code == ERR_UNAVAILABLE))
			failed = u;
		end.n++;
		node = list_next(sent, node);
	} while (!u->is_last);
	end.goes_again = end.n > 1 && failed != NULL && is_refused(failed);
	if (end.goes_again)
		return end;
	node = list_first(sent);
	for (size_t i = 0; i < end.n; i++, node = list_next(sent, node)) {
		struct pg_unit *one = pg_unit_of(node);
		if (failed != NULL && one != failed)
			fail_like(one, failed);
		else if (!is_err(one->failure) && one->n_results < one->n_expected)
			one->failure =
				ERR(ERR_PROTOCOL, "the database sent fewer results than asked");
	}
	return end;
}

void pg_share_again(struct pg_pool *p, struct list *sent, size_t n)
{
	struct list reversed;
	struct list_node *node;

	list_init(&reversed);
	while (n-- > 0)
		list_push_front(&reversed, list_pop_front(sent));
	while ((node = list_pop_front(&reversed)) != NULL) {
		struct pg_unit *u = pg_unit_of(node);
		if (u->done == NULL) { /* nobody waits for it any more */
			pg_unit_free(u);
			continue;
		}
		pg_unit_renew(u);
		u->share = UUID_NIL;
		u->state = PG_UNIT_WAITING;
		list_push_front(&p->waiting, node);
		if (p->measures.resent != NULL)
			++*p->measures.resent;
	}
}
