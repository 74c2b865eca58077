/* The store in a folder of this machine; opened through belay_store_open. */
#ifndef BELAY_STORE_LOCAL_H
#define BELAY_STORE_LOCAL_H

#include "store/store.h"

bool belay_store_open_local(const char *url, belay_store **ret, belay_error *err);

#endif
