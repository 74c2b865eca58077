#include "report/error_json.h"

#include "util/json.h"

static json_t *text_or_null(const char *text)
{
    return text[0] == '\0' ? json_null() : belay_json_of_text(text);
}

json_t *belay_error_json(const belay_error *err)
{
    json_t *json = json_object();
    json_object_set_new(json, "code", json_string(belay_code_name(err->code)));
    json_object_set_new(json, "message", belay_json_of_text(err->message));
    json_object_set_new(json, "detail", text_or_null(err->detail));
    json_object_set_new(json, "hint", text_or_null(err->hint));
    json_object_set_new(json, "sqlstate", text_or_null(err->sqlstate));
    json_object_set_new(json, "file", text_or_null(err->file));
    json_object_set_new(json, "line", err->line > 0 ? json_integer(err->line) : json_null());
    json_object_set_new(json, "statement", text_or_null(err->statement));
    return json;
}
