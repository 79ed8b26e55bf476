/* Whatever reads as a cron expression has a normal form that reads as the same one, and whatever does
 * not is refused at a column that it has. */
#include <string.h>

#include "domain/cron.h"
#include "pieces.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_fault(struct str text, const struct cron_fault *f)
{
	char told[CRON_FAULT_SIZE];

	cron_fault_print(f, told);
	ASSERT(f->column >= 1 && f->column <= text.n + 1 && f->column <= CRON_TEXT_MAX + 1);
	ASSERT(f->field <= CRON_FIELD_COUNT && strlen(told) + 1 < CRON_FAULT_SIZE);
}

static bool is_same(const struct cron *a, const struct cron *b)
{
	return memcmp(a->set, b->set, sizeof(a->set)) == 0 && a->stars == b->stars &&
	       a->is_day_restricted == b->is_day_restricted &&
	       a->is_weekday_restricted == b->is_weekday_restricted &&
	       a->is_interval == b->is_interval && a->is_never == b->is_never;
}

static void check_search(const struct cron *c)
{
	int64_t from_min = 28401120, before_min = from_min + INT64_C(40) * 525960, at_min = -1;
	bool is_found = cron_next_local(c, from_min, before_min, &at_min);

	ASSERT(is_found != c->is_never);
	if (is_found) {
		int64_t again_min = -1;
		ASSERT(at_min >= from_min && at_min < before_min);
		ASSERT(cron_next_local(c, at_min, at_min + 1, &again_min));
		ASSERT(again_min == at_min);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = { (const char *)data, size }, text;

	while (next_piece(&rest, &text)) {
		struct cron c, again;
		struct cron_fault fault;
		char normal[CRON_NORMAL_SIZE];
		if (is_err(cron_parse(text, &c, &fault))) {
			check_fault(text, &fault);
			continue;
		}
		cron_print(&c, normal);
		ASSERT(!is_err(cron_parse(str_from(normal), &again, &fault)));
		ASSERT(is_same(&c, &again));
		ASSERT((cron_warning(&c) == NULL) == (cron_warning(&again) == NULL));
		check_search(&c);
	}
	return 0;
}
