/* The wall clock of another host: preloaded into a program, this adds CLOCK_SHIM_US microseconds to what
 * CLOCK_REALTIME says. Everything else, timers first, goes on by the clocks of this machine. (libfaketime
 * also moves a timerfd's instants, of whatever clock they are.) */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef int (*clock_gettime_fn)(clockid_t, struct timespec *);

static clock_gettime_fn real;
static long long shift_us;

__attribute__((constructor)) static void set_up(void)
{
	/* dlsym gives an object's address; ISO C does not turn that into a function's. */
	void *found = dlsym(RTLD_NEXT, "clock_gettime");
	const char *text = getenv("CLOCK_SHIM_US");

	memcpy(&real, &found, sizeof(found));
	shift_us = text != NULL ? atoll(text) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *out)
{
	if (real == NULL)
		set_up();
	int rc = real(clock, out);

	if (rc != 0 || clock != CLOCK_REALTIME)
		return rc;
	long long ns = out->tv_nsec + shift_us % 1000000 * 1000;

	out->tv_sec += shift_us / 1000000;
	if (ns < 0 || ns >= 1000000000) {
		out->tv_sec += ns < 0 ? -1 : 1;
		ns += ns < 0 ? 1000000000 : -1000000000;
	}
	out->tv_nsec = ns;
	return 0;
}
