/* The simulated carrier's journal: what it knows after a crash, a reboot, and when it is full. */
#include "check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dial/id_set.h"
#include "dial/journal.h"

#define T0 ((usec_t)1763892000 * USEC_PER_SEC)
#define GENERATION ((size_t)100)

struct bench {
	char dir[64], path[96];
	uint64_t made;
};

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	(void)snprintf(b->dir, sizeof(b->dir), "/tmp/belfry-journal-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	(void)snprintf(b->path, sizeof(b->path), "%s/j", b->dir);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	static const char *const suffixes[] = { "", ".old", ".new", ".lock" };
	struct bench *b = *state;
	char path[128];

	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", b->path, suffixes[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(b->dir), 0);
	free(b);
	return 0;
}

static struct uuid make_id(struct bench *b, usec_t at)
{
	uint8_t random[10] = { 0 };

	b->made++;
	memcpy(random + 3, &b->made, 7); /* the bytes before lose bits to version and variant */
	return uuid_v7(at, random);
}

static struct err try_open(struct bench *b, const char *boot, usec_t now, struct journal **out)
{
	struct journal_options o = { .path = b->path,
				     .boot_id = boot,
				     .fresh = make_id(b, now),
				     .now = now,
				     .generation_max = GENERATION };

	return journal_open(&o, out);
}

static struct journal *reopen(struct bench *b, const char *boot, usec_t now)
{
	struct journal *j = NULL;

	assert_ok(try_open(b, boot, now, &j));
	return j;
}

static void append_text(const struct bench *b, const char *suffix, const char *text)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s%s", b->path, suffix);
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void what_was_flushed_is_known_after_a_crash(void **state)
{
	struct bench *b = *state;
	struct uuid sent = make_id(b, T0), withheld = make_id(b, T0), lost = make_id(b, T0);
	struct journal *j = reopen(b, "boot-1", T0);
	char instance[JOURNAL_INSTANCE_SIZE];

	assert_int_equal(journal_look_up(j, sent), JOURNAL_NEW);
	journal_sent(j, sent);
	journal_void(j, withheld);
	assert_int_equal(journal_look_up(j, sent), JOURNAL_SENT);
	assert_int_equal(journal_look_up(j, withheld), JOURNAL_VOID);
	assert_ok(journal_flush(j, T0));
	journal_sent(j, lost);
	memcpy(instance, journal_instance(j), sizeof(instance));
	assert_int_equal(strlen(instance), JOURNAL_INSTANCE_SIZE - 1);
	journal_close(j);

	j = reopen(b, "boot-1", T0);
	assert_int_equal(journal_look_up(j, sent), JOURNAL_SENT);
	assert_int_equal(journal_look_up(j, withheld), JOURNAL_VOID);
	assert_int_equal(journal_look_up(j, lost), JOURNAL_NEW);
	assert_string_equal(journal_instance(j), instance);
	journal_close(j);
}

static void after_a_reboot_older_ids_are_not_promised(void **state)
{
	struct bench *b = *state;
	struct uuid sent = make_id(b, T0), missing = make_id(b, T0);
	struct journal *j = reopen(b, "boot-1", T0);
	char instance[JOURNAL_INSTANCE_SIZE];

	journal_sent(j, sent);
	assert_ok(journal_flush(j, T0));
	memcpy(instance, journal_instance(j), sizeof(instance));
	journal_close(j);

	usec_t later = T0 + 60 * USEC_PER_SEC;
	/* The second round finds the reboot in the file's header. */
	for (int i = 0; i < 2; i++) {
		j = reopen(b, "boot-2", later + i * USEC_PER_SEC);
		assert_string_not_equal(journal_instance(j), instance);
		assert_int_equal(journal_look_up(j, sent), JOURNAL_SENT);
		assert_int_equal(journal_look_up(j, missing), JOURNAL_FORGOTTEN);
		assert_int_equal(journal_look_up(j, make_id(b, later + USEC_PER_MS)), JOURNAL_NEW);
		journal_close(j);
	}
}

static void a_lost_journal_is_another_instance(void **state)
{
	struct bench *b = *state;
	struct journal *j = reopen(b, "boot-1", T0);
	char instance[JOURNAL_INSTANCE_SIZE];

	memcpy(instance, journal_instance(j), sizeof(instance));
	journal_close(j);
	assert_int_equal(truncate(b->path, 0), 0);
	j = reopen(b, "boot-1", T0 + 1000);
	assert_string_not_equal(journal_instance(j), instance);
	journal_close(j);
}

static void half_a_line_is_no_line(void **state)
{
	struct bench *b = *state;
	struct uuid cut = make_id(b, T0), next = make_id(b, T0);
	struct journal *j = reopen(b, "boot-1", T0);
	char text[ID_TEXT_SIZE], line[64];

	journal_close(j);
	id_format(ID_ATTEMPT, cut, text);
	(void)snprintf(line, sizeof(line), "s %.20s", text);
	append_text(b, "", line);

	j = reopen(b, "boot-1", T0);
	assert_int_equal(journal_look_up(j, cut), JOURNAL_NEW);
	journal_sent(j, next);
	assert_ok(journal_flush(j, T0));
	journal_close(j);
	j = reopen(b, "boot-1", T0);
	assert_int_equal(journal_look_up(j, next), JOURNAL_SENT);
	journal_close(j);
}

static void a_file_that_is_no_journal_is_refused(void **state)
{
	struct bench *b = *state;
	struct journal *j = NULL;

	append_text(b, "", "{\"t_us\":1,\"ev\":\"dial\"}\n");
	assert_err(try_open(b, "boot-1", T0, &j), ERR_INVALID);
	assert_null(j);
}

static void a_journal_has_one_holder(void **state)
{
	struct bench *b = *state;
	struct journal *other = NULL, *j = reopen(b, "boot-1", T0);

	assert_err(try_open(b, "boot-1", T0, &other), ERR_CONFLICT);
	journal_close(j);
	j = reopen(b, "boot-1", T0);
	journal_close(j);
}

/* One id a second. */
static void fill(struct bench *b, struct journal *j, struct uuid *ids, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		ids[i] = make_id(b, T0 + (usec_t)i * USEC_PER_SEC);
		journal_sent(j, ids[i]);
		assert_ok(journal_flush(j, T0 + (usec_t)i * USEC_PER_SEC));
	}
}

static void two_generations_are_kept_and_older_ids_are_forgotten(void **state)
{
	struct bench *b = *state;
	struct uuid ids[4 * GENERATION - 1];
	size_t n = ARRAY_LEN(ids), kept = 2 * GENERATION - 1;
	usec_t end = T0 + (usec_t)n * USEC_PER_SEC;
	struct journal *j = reopen(b, "boot-1", T0);

	fill(b, j, ids, n);
	/* Then the same from the files. */
	for (int i = 0; i < 2; i++) {
		for (size_t k = 0; k < n; k++)
			CHECK(journal_look_up(j, ids[k]) ==
				      (k < n - kept ? JOURNAL_FORGOTTEN : JOURNAL_SENT),
			      "id %zu in round %d", k, i);
		assert_int_equal(journal_look_up(j, make_id(b, end)), JOURNAL_NEW);
		journal_close(j);
		j = reopen(b, "boot-1", end);
	}
	journal_close(j);
}

static void a_crash_between_the_renames_loses_nothing(void **state)
{
	struct bench *b = *state;
	struct uuid ids[3 * GENERATION];
	char from[128];
	struct journal *j = reopen(b, "boot-1", T0);
	char instance[JOURNAL_INSTANCE_SIZE];

	fill(b, j, ids, ARRAY_LEN(ids));
	memcpy(instance, journal_instance(j), sizeof(instance));
	journal_close(j);
	/* After the third rotation the current file is only a header: as if it had not yet got
	 * its name. */
	(void)snprintf(from, sizeof(from), "%s.new", b->path);
	assert_int_equal(rename(b->path, from), 0);

	j = reopen(b, "boot-1", T0 + 1000 * USEC_PER_SEC);
	assert_string_equal(journal_instance(j), instance);
	assert_int_equal(journal_look_up(j, ids[3 * GENERATION - 1]), JOURNAL_SENT);
	assert_int_equal(journal_look_up(j, ids[2 * GENERATION]), JOURNAL_SENT);
	assert_int_equal(journal_look_up(j, ids[0]), JOURNAL_FORGOTTEN);
	journal_close(j);
}

static void ids_are_kept_for_a_day(void **state)
{
	struct bench *b = *state;
	struct uuid old = make_id(b, T0), young = make_id(b, T0 + 3600 * USEC_PER_SEC);
	struct journal *j = reopen(b, "boot-1", T0);

	journal_sent(j, old);
	journal_sent(j, young);
	assert_ok(journal_flush(j, T0));
	journal_close(j);
	j = reopen(b, "boot-1", T0 + JOURNAL_KEEP_US + USEC_PER_SEC);
	assert_int_equal(journal_look_up(j, old), JOURNAL_FORGOTTEN);
	assert_int_equal(journal_look_up(j, young), JOURNAL_SENT);
	journal_close(j);
}

static void an_id_from_a_fast_clock_does_not_lift_the_horizon(void **state)
{
	struct bench *b = *state;
	struct uuid ids[3 * GENERATION];
	struct journal *j = reopen(b, "boot-1", T0);
	usec_t end = T0 + (usec_t)ARRAY_LEN(ids) * USEC_PER_SEC;

	journal_sent(j, make_id(b, T0 + 365 * JOURNAL_KEEP_US));
	fill(b, j, ids, ARRAY_LEN(ids));
	assert_int_equal(journal_look_up(j, make_id(b, end)), JOURNAL_NEW);
	journal_close(j);
}

static void without_a_path_it_lives_in_memory(void **state)
{
	struct bench *b = *state;
	struct uuid id = make_id(b, T0);
	struct journal *j;

	b->path[0] = '\0';
	j = reopen(b, "boot-1", T0);
	journal_sent(j, id);
	assert_ok(journal_flush(j, T0));
	assert_int_equal(journal_look_up(j, id), JOURNAL_SENT);
	journal_close(j);
	j = reopen(b, "boot-1", T0);
	assert_int_equal(journal_look_up(j, id), JOURNAL_NEW);
	journal_close(j);
}

static void a_set_keeps_the_first_mark_of_each_id(void **state)
{
	struct bench *b = *state;
	struct id_set s;

	id_set_init(&s);
	assert_int_equal(id_set_get(&s, make_id(b, T0)), ID_MARK_NONE);
	uint64_t first = b->made + 1;
	for (int i = 0; i < 50000; i++)
		id_set_add(&s, make_id(b, T0 + i), i % 2 ? ID_MARK_SENT : ID_MARK_VOID);
	b->made = first - 1;
	for (int i = 0; i < 50000; i++) {
		struct uuid id = make_id(b, T0 + i);
		id_set_add(&s, id, i % 2 ? ID_MARK_VOID : ID_MARK_SENT);
		assert_int_equal(id_set_get(&s, id), i % 2 ? ID_MARK_SENT : ID_MARK_VOID);
	}
	assert_int_equal(s.n, 50000);
	assert_int_equal(s.newest_at, T0 + 49999 / 1000 * 1000);
	id_set_deinit(&s);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_flushed_is_known_after_a_crash),
		TEST(after_a_reboot_older_ids_are_not_promised),
		TEST(a_lost_journal_is_another_instance),
		TEST(half_a_line_is_no_line),
		TEST(a_file_that_is_no_journal_is_refused),
		TEST(a_journal_has_one_holder),
		TEST(two_generations_are_kept_and_older_ids_are_forgotten),
		TEST(a_crash_between_the_renames_loses_nothing),
		TEST(ids_are_kept_for_a_day),
		TEST(an_id_from_a_fast_clock_does_not_lift_the_horizon),
		TEST(without_a_path_it_lives_in_memory),
		TEST(a_set_keeps_the_first_mark_of_each_id),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
