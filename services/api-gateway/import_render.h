/* An import as JSON, from its row or from what an upload knows of it. */
#ifndef BELFRY_API_GATEWAY_IMPORT_RENDER_H
#define BELFRY_API_GATEWAY_IMPORT_RENDER_H

#include "store_gen.h"
#include "json/json_out.h"

void import_render(struct json_out *j, const struct api_import_get_row *i);

#endif
