/* Scopes by small numbers, for tests of token buckets. */
#ifndef BELFRY_TESTS_BUCKET_SCOPE_H
#define BELFRY_TESTS_BUCKET_SCOPE_H

#include "queue/bucket.h"

static inline struct uuid id_of(uint8_t n)
{
	return (struct uuid){ { n } };
}

/* A campaign of the one workspace, calling from its one number, with their limits a minute. */
static inline struct bucket_scope scope_of(uint8_t campaign, int64_t c, int64_t w, int64_t n)
{
	return (struct bucket_scope){ .shard = 1,
				      .campaign_id = id_of(campaign),
				      .workspace_id = id_of(101),
				      .number_id = id_of(102),
				      .limits = { c, w, n } };
}

#endif
