/* The audit trail: one line for each request that changed something, written by the transaction that
 * did it. */
#ifndef BELFRY_API_GATEWAY_AUDIT_H
#define BELFRY_API_GATEWAY_AUDIT_H

#include "request.h"

/* Adds the line to r->unit, unless the unit or the request changes nothing. For req_submit: so no
 * handler can forget it. */
void audit_add(struct req *r);

#endif
