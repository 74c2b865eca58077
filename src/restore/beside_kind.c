#include "restore/beside_kind.h"

static const belay_beside_kind kinds[] = {
    {"TABLE", .made = true, .needed = true},
    {"TABLE ATTACH", .made = true, .needed = true, .all = true},
    {"SEQUENCE", .made = true, .needed = true, .relations_only = true},
    {"SEQUENCE OWNED BY", .made = true, .needed = true, .all = true, .relations_only = true},
    {"DEFAULT", .made = true},
    {"CONSTRAINT", .made = true},
    {"CHECK CONSTRAINT", .made = true},
    {"FK CONSTRAINT", .made = true, .all = true},
    {"INDEX", .made = true},
    {"INDEX ATTACH", .made = true, .all = true, .relations_only = true},
    {"STATISTICS", .made = true, .relations_only = true},
    {"COMMENT", .made = true, .relations_only = true},
    {"TRIGGER", .made = false},
    {"RULE", .made = false},
    {"POLICY", .made = false},
    {"ROW SECURITY", .made = false},
    {"ACL", .made = false},
    {"SECURITY LABEL", .made = false},
    {"PUBLICATION TABLE", .made = false},
};

const belay_beside_kind *belay_beside_kind_of(const belay_toc_entry *entry)
{
    for (size_t i = 0; i < BELAY_COUNT(kinds); i++) {
        if (belay_equal(entry->type, kinds[i].type))
            return &kinds[i];
    }
    return NULL;
}
