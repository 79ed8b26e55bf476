/* One pass over the bytes, one item after the other; the first fault ends it. */
#include "domain/cron.h"

#include <stdio.h>
#include <string.h>

#define BIT(n) (UINT64_C(1) << (n))
#define NAME_LENGTH 3
#define WEEKDAYS_ALL UINT64_C(0x7f)

/* The longest month of each, in a leap year. */
static const int longest[13] = { 0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

static const struct field_spec {
	const char *name;
	int min, max;
	const char *names; /* three letters each, the first stands for `min` */
	const char *range_fault, *step_fault;
} specs[CRON_FIELD_COUNT] = {
	[CRON_MINUTE] = { "minute", 0, 59, "", "a value is out of range 0-59",
			  "a step is a number from 1 to 59" },
	[CRON_HOUR] = { "hour", 0, 23, "", "a value is out of range 0-23",
			"a step is a number from 1 to 23" },
	[CRON_DAY] = { "day of month", 1, 31, "", "a value is out of range 1-31",
		       "a step is a number from 1 to 31" },
	[CRON_MONTH] = { "month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec",
			 "a value is out of range 1-12", "a step is a number from 1 to 12" },
	[CRON_WEEKDAY] = { "day of week", 0, 7, "sunmontuewedthufrisat",
			   "a value is out of range 0-7", "a step is a number from 1 to 7" },
};

struct parser {
	struct str text;
	size_t at;
	enum cron_field field;
	struct cron_fault *fault;
};

static struct err refuse(struct parser *p, size_t at, const char *what)
{
	*p->fault = (struct cron_fault){ .field = p->field, .column = at + 1, .what = what };
	return ERR(ERR_INVALID, what);
}

/* The byte at hand; NUL at the end, which no rule of the grammar takes either. */
static char peek(const struct parser *p)
{
	return p->at < p->text.n ? p->text.p[p->at] : '\0';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static char lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static bool is_letter(char c)
{
	return lower(c) >= 'a' && lower(c) <= 'z';
}

static bool at_field_end(const struct parser *p)
{
	return p->at >= p->text.n || is_blank(peek(p));
}

static void skip_blanks(struct parser *p)
{
	while (is_blank(peek(p)))
		p->at++;
}

/* What to say of a byte that cannot stand where it does. */
static struct err refuse_byte(struct parser *p)
{
	char c = peek(p);
	const char *what = "unexpected character: a field is made of * , - / and numbers";

	if (p->at >= p->text.n || is_blank(c) || c == ',')
		what = "a value is missing";
	else if ((unsigned char)c >= 0x80)
		what = "only ASCII characters are understood";
	else if (c == '@')
		what = "macros such as @daily are not supported: write the five fields";
	else if (c == '?')
		what = "? is not supported: write *";
	else if (strchr("LWlw#", c) != NULL && c != '\0')
		what = "L, W and # are not supported";
	else if (c == 'H' || c == '~')
		what = "random values (H and ~) are not supported";
	return refuse(p, p->at, what);
}

static struct err take_number(struct parser *p, int *out)
{
	size_t start = p->at;
	int v = 0;

	while (is_digit(peek(p)) && p->at - start < 2)
		v = v * 10 + (p->text.p[p->at++] - '0');
	if (is_digit(peek(p)))
		return refuse(p, start, "a number has one or two digits");
	*out = v;
	return OK;
}

static struct err take_name(struct parser *p, int *out)
{
	const struct field_spec *spec = &specs[p->field];
	size_t start = p->at;

	while (is_letter(peek(p)))
		p->at++;
	if (*spec->names == '\0') {
		p->at = start;
		return refuse_byte(p);
	}
	if (p->at - start != NAME_LENGTH)
		return refuse(p, start, "unknown name: names have three letters");
	for (int i = 0; spec->names[i] != '\0'; i += NAME_LENGTH) {
		const char *name = spec->names + i, *given = p->text.p + start;
		if (name[0] == lower(given[0]) && name[1] == lower(given[1]) &&
		    name[2] == lower(given[2])) {
			*out = spec->min + i / NAME_LENGTH;
			return OK;
		}
	}
	return refuse(p, start, "unknown name");
}

static struct err take_value(struct parser *p, int *out)
{
	const struct field_spec *spec = &specs[p->field];
	size_t start = p->at;
	int v = 0;

	if (is_letter(peek(p)))
		TRY(take_name(p, &v));
	else if (is_digit(peek(p)))
		TRY(take_number(p, &v));
	else
		return refuse_byte(p);
	if (v < spec->min || v > spec->max)
		return refuse(p, start, spec->range_fault);
	*out = v;
	return OK;
}

static struct err take_step(struct parser *p, int *out)
{
	const struct field_spec *spec = &specs[p->field];
	int v = 0;

	p->at++;
	size_t start = p->at;
	if (!is_digit(peek(p)))
		return refuse(p, start, spec->step_fault);
	TRY(take_number(p, &v));
	if (v < 1 || v > spec->max)
		return refuse(p, start, spec->step_fault);
	*out = v;
	return OK;
}

/* `*`, a value or a range, with its step; adds what it stands for to the field's set. */
static struct err take_item(struct parser *p, struct cron *c, int *step_out)
{
	const struct field_spec *spec = &specs[p->field];
	size_t start = p->at;
	int low = spec->min, high = spec->max, step = 1;
	bool is_single = false;

	if (peek(p) == '*') {
		p->at++;
		c->stars |= (uint8_t)BIT(p->field);
	} else {
		TRY(take_value(p, &low));
		is_single = peek(p) != '-';
		high = low;
		if (!is_single) {
			p->at++;
			TRY(take_value(p, &high));
		}
		if (high < low)
			return refuse(p, start, "a range ends before it starts");
	}
	if (peek(p) == '/') {
		if (is_single)
			return refuse(p, p->at, "a step needs * or a range before it");
		TRY(take_step(p, &step));
	}
	for (int v = low; v <= high; v += step)
		c->set[p->field] |= BIT(p->field == CRON_WEEKDAY && v == 7 ? 0 : v);
	*step_out = step;
	return OK;
}

/* One field; *is_free_out: it consists of `*` or `*` with step 1. */
static struct err take_field(struct parser *p, struct cron *c, bool *is_free_out)
{
	int items = 0, step = 1;

	for (;;) {
		TRY(take_item(p, c, &step));
		items++;
		if (at_field_end(p))
			break;
		if (peek(p) != ',')
			return refuse_byte(p);
		p->at++;
	}
	*is_free_out = items == 1 && step == 1 && (c->stars & BIT(p->field)) != 0;
	return OK;
}

static bool has_no_date(const struct cron *c)
{
	if (c->is_weekday_restricted)
		return false;
	for (int month = 1; month <= 12; month++) {
		uint64_t days = BIT(longest[month] + 1) - 1;
		if ((c->set[CRON_MONTH] & BIT(month)) != 0 && (c->set[CRON_DAY] & days) != 0)
			return false;
	}
	return true;
}

static struct err take_all(struct parser *p, struct cron *c)
{
	bool is_free[CRON_FIELD_COUNT] = { false };

	if (p->text.n > CRON_TEXT_MAX) {
		p->field = CRON_FIELD_COUNT;
		return refuse(p, CRON_TEXT_MAX, "an expression has at most 1024 characters");
	}
	skip_blanks(p);
	struct str rest = { p->text.p + p->at, p->text.n - p->at };
	if (str_starts(rest, STR("TZ=")) || str_starts(rest, STR("CRON_TZ="))) {
		p->field = CRON_FIELD_COUNT;
		return refuse(p, p->at, "the time zone is not part of the expression");
	}
	for (int f = 0; f < CRON_FIELD_COUNT; f++) {
		p->field = (enum cron_field)f;
		if (p->at >= p->text.n)
			return refuse(p, p->at, "the field is missing: there are five");
		TRY(take_field(p, c, &is_free[f]));
		skip_blanks(p);
	}
	if (p->at < p->text.n) {
		p->field = CRON_FIELD_COUNT;
		return refuse(p, p->at, "there are more than five fields");
	}
	c->is_day_restricted = !is_free[CRON_DAY];
	c->is_weekday_restricted = !is_free[CRON_WEEKDAY];
	c->is_interval = (c->stars & (BIT(CRON_MINUTE) | BIT(CRON_HOUR))) != 0;
	c->is_never = has_no_date(c);
	return OK;
}

struct err cron_parse(struct str text, struct cron *out, struct cron_fault *fault_out)
{
	struct cron c = { .stars = 0 };
	struct parser p = {
		/* an empty text has no bytes to point at */
		.text = text.p == NULL ? STR("") : text,
		.field = CRON_MINUTE,
		.fault = fault_out,
	};

	TRY(take_all(&p, &c));
	*out = c;
	return OK;
}

void cron_fault_print(const struct cron_fault *f, char out[CRON_FAULT_SIZE])
{
	const char *name = f->field == CRON_FIELD_COUNT ? "expression" : specs[f->field].name;

	(void)snprintf(out, CRON_FAULT_SIZE, "%s, column %zu: %s", name, f->column, f->what);
}

const char *cron_warning(const struct cron *c)
{
	if (!c->is_day_restricted || !c->is_weekday_restricted ||
	    (c->stars & (BIT(CRON_DAY) | BIT(CRON_WEEKDAY))) == 0)
		return NULL;
	return "a date fires if the day of month or the day of week matches; some crons want both "
	       "when one of the two fields starts with *";
}
