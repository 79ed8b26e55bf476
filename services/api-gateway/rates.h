/* The rates of API keys, for all gateways together. A request is admitted by the bucket in memory,
 * which costs it no time; what was taken is then told to Redis, and its answer corrects the bucket by
 * what other gateways have taken. So a key has its rate wherever it asks, but for what several
 * gateways let through within one round trip; without Redis each gateway counts alone. */
#ifndef BELFRY_API_GATEWAY_RATES_H
#define BELFRY_API_GATEWAY_RATES_H

#include "app.h"

/* Tells what this key has taken, unless that is on its way already: then the rest follows it. */
void rates_share(struct app *app, const uint8_t key_hash[SHA256_SIZE]);

#endif
