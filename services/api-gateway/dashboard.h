/* The dashboard's files, as the build put them into the executable: the page at `/`, all else below
 * `/dashboard/DIGEST/`, where a browser may keep it for ever, since another build is another digest. */
#ifndef BELFRY_API_GATEWAY_DASHBOARD_H
#define BELFRY_API_GATEWAY_DASHBOARD_H

#include "request.h"

/* Answers a request for one of them; false, and nothing was done, when the path is none of theirs. */
bool dashboard_serve(struct req *r);

#endif
