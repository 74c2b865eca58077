#include "util/line_feed.h"

/* A NUL would hide what comes behind it in the line. */
static void drop_nuls(belay_str *line)
{
    size_t kept = 0;
    for (size_t i = 0; i < line->length; i++) {
        if (line->data[i] != '\0')
            line->data[kept++] = line->data[i];
    }
    if (kept == line->length)
        return;
    line->length = kept;
    line->data[kept] = '\0';
}

static void give(belay_line_feed *feed)
{
    drop_nuls(&feed->line);
    feed->on_line(feed->context, feed->is_stderr, belay_str_text(&feed->line));
    belay_str_clear(&feed->line);
}

void belay_line_feed_add(belay_line_feed *feed, const char *bytes, size_t count)
{
    if (feed->on_line == NULL)
        return;
    if (feed->line.max == 0)
        feed->line = BELAY_STR_MAX(BELAY_LINE_MAX_BYTES + 1);
    while (count > 0) {
        const char *newline = memchr(bytes, '\n', count);
        size_t room = BELAY_LINE_MAX_BYTES - feed->line.length;
        size_t length = newline == NULL ? count : (size_t)(newline - bytes);
        size_t taken = length > room ? room : length;
        belay_str_append_n(&feed->line, bytes, taken);
        bool ends = newline != NULL && taken == length;
        if (ends || feed->line.length == BELAY_LINE_MAX_BYTES)
            give(feed);
        bytes += taken + (ends ? 1 : 0);
        count -= taken + (ends ? 1 : 0);
    }
}

void belay_line_feed_end(belay_line_feed *feed)
{
    if (feed->on_line != NULL && feed->line.length > 0)
        give(feed);
    belay_str_done(&feed->line);
}
