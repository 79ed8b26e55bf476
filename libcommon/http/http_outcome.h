/* What became of a request that got no complete answer, in the words of the outcome table. Pure. */
#ifndef BELFRY_HTTP_HTTP_OUTCOME_H
#define BELFRY_HTTP_HTTP_OUTCOME_H

#include <curl/curl.h>

#include "http/http_client.h"

/* For a transfer that ended without complete headers, for no reason of our own. */
enum http_outcome http_outcome_of(CURLcode code);

#endif
