/* Tests of trunks: an OPTIONS at once, whose answer is told to who asked, within TRUNK_TEST_US. Where the
 * carrier asks for credentials they are shown, so a wrong password is found. */
#ifndef DIALER_SIP_TRUNK_TEST_H
#define DIALER_SIP_TRUNK_TEST_H

#include "trunks.h"

#define TRUNK_TEST_US (5 * USEC_PER_SEC)

struct trunk_tests;

/* `ev` is a DIALER_EV_TESTED whose texts are literals. */
typedef void (*trunk_tested_fn)(const struct dialer_event *ev, void *asker, void *arg);

struct trunk_tests *trunk_tests_new(struct loop *l, struct ua *u, struct trunks *ts,
				    trunk_tested_fn fn, void *arg);
void trunk_tests_free(struct trunk_tests *tt); /* before the trunks and the ua */
/* fn follows exactly once, perhaps from within. `asker` must outlive this object. */
void trunk_tests_begin(struct trunk_tests *tt, struct uuid id, struct uuid trunk, void *asker);

#endif
