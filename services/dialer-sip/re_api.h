/* libre's headers, whose names of lists and of a string comparison are libcommon's too. Includers
 * call none of the functions that are renamed here, and no symbol of ours takes their place inside
 * libre: libcommon's are kept out of the program's dynamic symbols (Makefile). */
#ifndef DIALER_SIP_RE_API_H
#define DIALER_SIP_RE_API_H

#define list re_list
#define list_init re_list_init
#define str_cmp re_str_cmp
#define json_decode re_json_decode
#define http_reply re_http_reply
#define USE_OPENSSL 1
#define HAVE_INTTYPES_H 1
#define HAVE_STDBOOL_H 1
#define HAVE_INET6 1
#include <re.h>
#define DEBUG_MODULE "belfry"
#define DEBUG_LEVEL 0
#include <re_dbg.h>
#undef list
#undef list_init
#undef str_cmp
#undef json_decode
#undef http_reply

#endif
