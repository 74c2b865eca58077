#include "cli/followers.h"

static bool read_answer(const char *option, const char *given, const char *act, bool ignore,
    belay_follower_answer *ret, belay_error *err)
{
    if (given == NULL)
        *ret = ignore ? BELAY_FOLLOWERS_KEEP : BELAY_FOLLOWERS_ASK;
    else if (belay_equal(given, act))
        *ret = BELAY_FOLLOWERS_ACT;
    else if (belay_equal(given, "keep"))
        *ret = BELAY_FOLLOWERS_KEEP;
    else
        return belay_fail(err, BELAY_E_USAGE, "--%s is %s or keep, not \"%s\"", option, act, given);
    return true;
}

bool belay_cli_followers_read(const belay_cli_followers *given, belay_followers *ret, belay_error *err)
{
    if (!read_answer(
            "subscriptions", given->subscriptions, "disable", given->ignore, &ret->subscriptions, err) ||
        !read_answer("logical-slots", given->slots, "drop", given->ignore, &ret->slots, err) ||
        !read_answer("standbys", given->standbys, "end-sessions", given->ignore, &ret->standbys, err))
        return false;
    if (given->hosts.count > 0 && ret->standbys != BELAY_FOLLOWERS_ACT)
        return belay_fail(err, BELAY_E_USAGE, "--standby is for --standbys=end-sessions");
    ret->standby_hosts = given->hosts;
    return true;
}
