/* Any bytes as belay.ini, and as a .env file: they are read, or refused with a message that has its place. */
#include "config/reader.h"
#include "config/variables.h"
#include "config/window.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need_message(bool ok, const belay_error *err)
{
    if (!ok && (err->message[0] == '\0' || err->code != BELAY_E_CONFIG))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    belay_error err = {0};
    BELAY_AUTO(belay_ini_free) belay_ini *ini = NULL;
    bool ok = belay_ini_parse((const char *)data, size, "fuzz", &ini, &err);
    need_message(ok, &err);
    belay_variables variables = {0};
    need_message(belay_variables_parse(&variables, (const char *)data, size, "fuzz", &err), &err);
    BELAY_AUTO(belay_free) char *text = belay_strndup((const char *)data, size);
    BELAY_AUTO(belay_free_secret) char *expanded = NULL;
    need_message(belay_variables_expand(&variables, text, &expanded, &err), &err);
    belay_windows windows;
    need_message(belay_windows_parse(text, &windows, &err), &err);
    belay_variables_done(&variables);
    return 0;
}
