#include "cli/checks.h"

static void print_lines(const belay_cli *cli, const char *verdict, const char *name, int width,
    const char *arrow, const char *text)
{
    BELAY_AUTO(belay_list_done) belay_list lines = {0};
    belay_list_split(&lines, text, "\n");
    for (size_t i = 0; i < lines.count; i++)
        belay_cli_print(cli, "%-7s %-*s %s%s", i == 0 ? verdict : "", width, i == 0 ? name : "",
            i == 0 ? arrow : "", lines.items[i]);
}

void belay_cli_print_finding(const belay_cli *cli, const belay_finding *finding, int name_width)
{
    print_lines(cli, belay_verdict_name(finding->verdict), finding->name, name_width, "", finding->message);
    if (finding->hint != NULL)
        print_lines(cli, "", "", name_width, "-> ", finding->hint);
}

void belay_cli_print_checks(const belay_cli *cli, const belay_check_report *report)
{
    enum { NAME_WIDTH = 22 };
    for (size_t i = 0; i < report->count; i++)
        belay_cli_print_finding(cli, &report->items[i], NAME_WIDTH);
    belay_cli_print(cli, "%s", belay_verdict_name(report->verdict));
}
