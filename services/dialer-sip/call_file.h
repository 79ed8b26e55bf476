/* What a dialer that was killed needs to go on with its calls: an append-only file of JSON lines. A
 * dial as it came, then where the call stands whenever that changed (the last one counts), until the
 * end was acknowledged. The file is made anew from what is held when it opens, and when most of it is
 * history.
 *
 *	{"dial":"att_...","slot":0,"op":{...}}      {"at":"att_...","step":...}      {"done":"att_..."}
 *
 * No settings of a trunk stand here, so no secret does. */
#ifndef DIALER_SIP_CALL_FILE_H
#define DIALER_SIP_CALL_FILE_H

#include "call.h"

struct call_file;

/* "" keeps none. Both callbacks come while it opens, `dial` before `at`. */
struct call_file_reader {
	void (*dial)(struct uuid id, size_t slot, struct str op, void *arg);
	void (*at)(struct uuid id, const struct json_value *state, void *arg);
	void (*done)(struct uuid id, void *arg);
	void *arg;
};

struct err call_file_open(const char *path, const struct call_file_reader *r,
			  struct call_file **out) MUST_USE;
void call_file_close(struct call_file *f);
void call_file_dial(struct call_file *f, const struct call *c, size_t slot);
void call_file_at(struct call_file *f, const struct call *c);
void call_file_done(struct call_file *f, struct uuid id);
struct err call_file_flush(struct call_file *f) MUST_USE;
/* True when it is worth making anew: call_file_begin(), all that is held, call_file_commit(). */
bool call_file_is_old(const struct call_file *f, size_t held);
struct err call_file_begin(struct call_file *f) MUST_USE;
struct err call_file_commit(struct call_file *f) MUST_USE;

/* revive.c: opens the file, and has the desk hold what stood in it. */
struct err revive_calls(struct calls *cs, const char *path, struct call_file **out) MUST_USE;

/* State of a call from a line: everything but the dial. Legs are restored by the caller. */
struct call_state {
	int64_t step, agent_step;
	struct leg_record callee, agent;
	bool has_callee, has_agent;
};
bool call_file_read_state(const struct json_value *v, struct call *c, struct call_state *out);

#endif
