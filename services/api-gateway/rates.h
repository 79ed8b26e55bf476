/* The rates of API keys and of workspaces, for all gateways together. A request is admitted by the buckets
 * in memory, which costs it no time; what was taken is then told to Redis, of both in one call, and its
 * answer corrects them by what other gateways have taken. So a key has its rate wherever it asks, but for what several
 * gateways let through within one round trip; without Redis each gateway counts alone. */
#ifndef BELFRY_API_GATEWAY_RATES_H
#define BELFRY_API_GATEWAY_RATES_H

#include "app.h"

/* Tells what this key and its workspace have taken, unless that is on its way already: then the rest
 * follows it. */
void rates_share(struct app *app, const uint8_t key_hash[SHA256_SIZE]);

#endif
