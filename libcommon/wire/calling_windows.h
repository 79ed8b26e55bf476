/* `calling_windows` as JSON, from the API and from the campaign's row:
 *
 *   {"timezone":"target"|IANA,"weekly":[{"days":["mon",...],"start":"09:00","end":"20:00"}],
 *    "blackout_dates":["2026-12-25"]}
 *
 * All three members may be missing: without a timezone the campaign's holds, without `weekly` every
 * hour is open. start is earlier than end, end at most "24:00": a window over midnight is two. */
#ifndef BELFRY_WIRE_CALLING_WINDOWS_H
#define BELFRY_WIRE_CALLING_WINDOWS_H

#include "base/arena.h"
#include "domain/window.h"
#include "json/json_in.h"

struct calling_windows {
	struct str timezone; /* STR_NONE: the campaign's; of a target when is_by_target */
	bool is_by_target;   /* "target": the target's zone, else the campaign's */
	struct window window;
};

/* Collects every fault below the pointer `base`; true without one. Whether the timezone exists is
 * the caller's to ask. The text of `timezone` points into the value. */
bool calling_windows_decode(const struct json_value *v, const char *base, struct arena *a,
			    struct calling_windows *out, struct json_faults *faults);

/* From the text of a stored row, judged before; ERR_INVALID only when that is damaged. `a` keeps
 * the timezone's text. */
struct err calling_windows_from_row(struct str json, struct arena *a,
				    struct calling_windows *out) MUST_USE;

#endif
