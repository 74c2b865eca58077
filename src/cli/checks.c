#include "cli/checks.h"

void belay_cli_print_checks(const belay_cli *cli, const belay_check_report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        const belay_finding *one = &report->items[i];
        belay_cli_print(cli, "%-6s  %-22s %s", belay_verdict_name(one->verdict), one->name, one->message);
        if (one->verdict != BELAY_OK && one->hint[0] != '\0')
            belay_cli_print(cli, "%-30s  -> %s", "", one->hint);
    }
    belay_cli_print(cli, "%s", belay_verdict_name(report->verdict));
}
