/* Prometheus' text: families, labels, units, histograms, collectors. */
#include "check.h"

#include <string.h>

#include "base/mem.h"
#include "sys/metrics.h"

static struct str text_of(struct metrics *m, struct strbuf *b)
{
	strbuf_init(b, METRICS_TEXT_MAX);
	metrics_write(m, b);
	assert_false(strbuf_overflowed(b));
	return strbuf_str(b);
}

static void a_family_has_one_head_and_its_series(void **state)
{
	(void)state;
	struct metrics *m = metrics_new();
	struct strbuf b;
	struct metric busy = { .name = "belfry_x_total",
			       .help = "X.",
			       .labels = { { "outcome", "busy" } } };
	int64_t *one = metrics_counter(m, &busy);
	int64_t *up = metrics_gauge(m, &(struct metric){ .name = "belfry_up", .help = "Up." });
	int64_t *two = metrics_counter(m, &(struct metric){ .name = "belfry_x_total",
							    .labels = { { "outcome", "late" } } });
	*one += 3;
	++*two;
	*up = 1;
	assert_ptr_equal(metrics_counter(m, &busy), one);
	assert_string_equal(text_of(m, &b).p, "# HELP belfry_x_total X.\n"
					      "# TYPE belfry_x_total counter\n"
					      "belfry_x_total{outcome=\"busy\"} 3\n"
					      "belfry_x_total{outcome=\"late\"} 1\n"
					      "# HELP belfry_up Up.\n"
					      "# TYPE belfry_up gauge\n"
					      "belfry_up 1\n");
	strbuf_deinit(&b);
	metrics_free(m);
}

static void a_gauge_is_absent_until_it_is_known(void **state)
{
	(void)state;
	struct metrics *m = metrics_new();
	struct strbuf b;
	int64_t *g = metrics_gauge(m, &(struct metric){ .name = "belfry_g", .help = "G." });

	assert_string_equal(text_of(m, &b).p, "# HELP belfry_g G.\n# TYPE belfry_g gauge\n");
	strbuf_deinit(&b);
	*g = -2;
	assert_string_equal(text_of(m, &b).p,
			    "# HELP belfry_g G.\n# TYPE belfry_g gauge\nbelfry_g -2\n");
	strbuf_deinit(&b);
	metrics_free(m);
}

static void seconds_are_kept_as_microseconds(void **state)
{
	(void)state;
	struct metrics *m = metrics_new();
	struct strbuf b;

	*metrics_gauge(m, &(struct metric){ .name = "belfry_age_seconds", .help = "A." }) =
		-1500000;
	*metrics_counter(m, &(struct metric){ .name = "belfry_cpu_seconds_total", .help = "C." }) =
		20000001;
	assert_string_equal(text_of(m, &b).p, "# HELP belfry_age_seconds A.\n"
					      "# TYPE belfry_age_seconds gauge\n"
					      "belfry_age_seconds -1.500000\n"
					      "# HELP belfry_cpu_seconds_total C.\n"
					      "# TYPE belfry_cpu_seconds_total counter\n"
					      "belfry_cpu_seconds_total 20.000001\n");
	strbuf_deinit(&b);
	metrics_free(m);
}

static void labels_are_escaped(void **state)
{
	(void)state;
	struct metrics *m = metrics_new();
	struct strbuf b;

	*metrics_gauge(m, &(struct metric){ .name = "belfry_g",
					    .help = "G.",
					    .labels = { { "a", "x\"y\\z\n" }, { "b", "2" } } }) = 7;
	assert_non_null(strstr(text_of(m, &b).p, "belfry_g{a=\"x\\\"y\\\\z\\n\",b=\"2\"} 7\n"));
	strbuf_deinit(&b);
	metrics_free(m);
}

static void buckets_count_up_to_their_bound(void **state)
{
	(void)state;
	struct metrics *m = metrics_new();
	struct strbuf b;
	struct histogram *h =
		metrics_histogram(m,
				  &(struct metric){ .name = "belfry_h_seconds",
						    .help = "H.",
						    .labels = { { "bucket", "number" } } },
				  HISTOGRAM_SHORT);

	histogram_observe(h, -5);
	histogram_observe(h, 500);
	histogram_observe(h, 501);
	histogram_observe(h, 60000000);
	histogram_observe(h, 60000001);
	const char *text = text_of(m, &b).p;
	static const char *const lines[] = {
		"# TYPE belfry_h_seconds histogram\n",
		"belfry_h_seconds_bucket{bucket=\"number\",le=\"0.0005\"} 2\n",
		"belfry_h_seconds_bucket{bucket=\"number\",le=\"0.001\"} 3\n",
		"belfry_h_seconds_bucket{bucket=\"number\",le=\"30\"} 3\n",
		"belfry_h_seconds_bucket{bucket=\"number\",le=\"60\"} 4\n",
		"belfry_h_seconds_bucket{bucket=\"number\",le=\"+Inf\"} 5\n",
		"belfry_h_seconds_sum{bucket=\"number\"} 120.001002\n",
		"belfry_h_seconds_count{bucket=\"number\"} 5\n"
	};
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		CHECK(strstr(text, lines[i]) != NULL, "%s is missing in\n%s", lines[i], text);
	strbuf_deinit(&b);
	metrics_free(m);
}

static void double_it(void *arg)
{
	int64_t *cell = arg;
	*cell = *cell == METRIC_ABSENT ? 1 : 2 * *cell;
}

static void collectors_run_before_each_text(void **state)
{
	(void)state;
	struct metrics *m = metrics_new();
	struct strbuf b;
	int64_t *g = metrics_gauge(m, &(struct metric){ .name = "belfry_g", .help = "G." });

	metrics_on_collect(m, double_it, g);
	for (int i = 0; i < 3; i++) {
		(void)text_of(m, &b); /* only for what it does */
		strbuf_deinit(&b);
	}
	assert_int_equal(*g, 4);
	metrics_free(m);
}

static void the_process_tells_of_itself(void **state)
{
	(void)state;
	struct metrics *m = metrics_new();
	struct strbuf b;

	metrics_add_process(m, "dispatcher");
	const char *text = text_of(m, &b).p;
	assert_non_null(strstr(text,
			       "belfry_build_info{service=\"dispatcher\",version=\"" BELFRY_VERSION
			       "\"} 1\n"));
	assert_non_null(strstr(text, "\nprocess_resident_memory_bytes "));
	assert_non_null(strstr(text, "\nprocess_open_fds "));
	assert_non_null(strstr(text, "\nprocess_cpu_seconds_total "));
	strbuf_deinit(&b);
	metrics_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_family_has_one_head_and_its_series),
		cmocka_unit_test(a_gauge_is_absent_until_it_is_known),
		cmocka_unit_test(seconds_are_kept_as_microseconds),
		cmocka_unit_test(labels_are_escaped),
		cmocka_unit_test(buckets_count_up_to_their_bound),
		cmocka_unit_test(collectors_run_before_each_text),
		cmocka_unit_test(the_process_tells_of_itself),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
