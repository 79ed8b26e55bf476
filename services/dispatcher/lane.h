/* Pacing. Due calls stand in one queue per (campaign, number), of which only the head asks for
 * tokens, many at a time. So a backlog costs one question per grant, keeps its order and never
 * delays another campaign. */
#ifndef DISPATCHER_LANE_H
#define DISPATCHER_LANE_H

#include "app.h"
#include "call.h"

struct lanes *lanes_new(struct app *app);
void lanes_free(struct lanes *ls);
/* Asks for no more tokens: a drain. What is granted still goes on. */
void lanes_close(struct lanes *ls);

/* At the end of its campaign's queue; lanes_pump asks. From here the call knows its lane, which lives
 * until lane_forget. */
void lane_push(struct lanes *ls, struct call *c);
/* To the front again, in order, when a claim could not be made now: calls v[0..n) of one lane.
 * Nothing is asked for before delay_us. */
void lane_push_back(struct lanes *ls, struct call *const *v, size_t n, usec_t delay_us);
/* Gives back what is spared, and asks for tokens wherever calls wait and nothing stands against it. */
void lanes_pump(struct lanes *ls);
/* The call leaves its lane, in whose queue it may stand. One that knows none is left alone. */
void lane_forget(struct call *c);
/* The tokens that a call of this grant had are not used. The next lanes_pump gives back what it can;
 * the caller calls it when it is through with its calls. */
void lane_spare(struct lane *l, int64_t grant);
bool lane_is_paced(const struct lane *l);

/* Limits: the newest word counts, from an entry or from the control stream. */
void lane_learn_limits(struct lanes *ls, const struct due_entry *e);
void lanes_limit_changed(struct lanes *ls, const struct control_msg *m);
/* Attempts ended: lanes that wait for concurrency may go on. */
void lanes_unblock(struct lanes *ls);

#endif
