#include "util/library.h"

#include <dlfcn.h>
#include <string.h>

static bool look_up(belay_library *library, void *handle)
{
    for (size_t i = 0; i < library->count; i++) {
        void *found = handle == NULL ? NULL : dlsym(handle, library->names[i]);
        if (found == NULL)
            return false;
        memcpy((char *)library->functions + i * sizeof found, &found, sizeof found);
    }
    return true;
}

bool belay_library_load(belay_library *library, belay_error *err)
{
    pthread_mutex_lock(&library->mutex);
    if (!library->loaded)
        library->loaded = look_up(library, dlopen(library->soname, RTLD_NOW | RTLD_LOCAL));
    if (!library->loaded) {
        belay_fail(
            err, BELAY_E_UNSUPPORTED, "the library %s cannot be loaded: %s", library->soname, dlerror());
        belay_error_hint(err, "install the package %s (Debian's name for it)", library->package);
    }
    bool loaded = library->loaded;
    pthread_mutex_unlock(&library->mutex);
    return loaded;
}
