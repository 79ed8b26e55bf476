/* Rows of a CSV file as targets: the header says what the columns are, each row is judged, the good
 * ones gather in blocks ready to be stored, the bad ones as lines of errors.csv. */
#ifndef BELFRY_API_GATEWAY_IMPORT_ROWS_H
#define BELFRY_API_GATEWAY_IMPORT_ROWS_H

#include "domain/csv.h"
#include "domain/region.h"
#include "pg/pg_codec.h"
#include "sys/zone_table.h"

#define IMPORT_COLUMNS_MAX 100
#define IMPORT_FIELD_MAX ((size_t)16 * 1024)
#define IMPORT_ROW_MAX ((size_t)64 * 1024)
/* Lines of errors.csv; rows beyond are counted only. */
#define IMPORT_ERRORS_MAX 100000

#define IMPORT_ERRORS_HEADER "line,column,code,detail,value\r\n"

struct import_rows;

/* The zones are borrowed; the region may be NULL. */
struct import_rows *import_rows_new(struct zone_table *zones, const struct region *region);
void import_rows_free(struct import_rows *t);

/* Takes the first row; NULL, or what is wrong with it: a sentence for the caller. */
const char *import_rows_take_header(struct import_rows *t, const struct csv_row *row);
void import_rows_take(struct import_rows *t, const struct csv_row *row);

int64_t import_rows_received(const struct import_rows *t);
int64_t import_rows_rejected(const struct import_rows *t);

/* What gathered since the last reset. */
struct import_block {
	size_t n;
	const struct str *to_numbers, *names, *external_ids, *timezones, *variables;
	struct str lines; /* of errors.csv; STR_NONE = none */
};

struct import_block import_rows_block(const struct import_rows *t);
bool import_rows_is_full(const struct import_rows *t); /* the block is large enough to be stored */
void import_rows_reset(struct import_rows *t);

#endif
