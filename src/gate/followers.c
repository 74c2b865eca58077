#include "gate/followers.h"

#include "util/mem.h"

static const char *const answers[] = {"ask", "keep", "act"};

void belay_followers_done(belay_followers *followers)
{
    belay_list_done(&followers->standby_hosts);
    *followers = (belay_followers){0};
}

void belay_followers_copy(belay_followers *to, const belay_followers *from)
{
    *to = (belay_followers){
        .subscriptions = from->subscriptions, .slots = from->slots, .standbys = from->standbys};
    for (size_t i = 0; i < from->standby_hosts.count; i++)
        belay_list_add(&to->standby_hosts, from->standby_hosts.items[i]);
}

json_t *belay_followers_json(const belay_followers *followers)
{
    json_t *hosts = json_array();
    for (size_t i = 0; i < followers->standby_hosts.count; i++)
        json_array_append_new(hosts, json_string(followers->standby_hosts.items[i]));
    return json_pack("{s:s, s:s, s:s, s:o}", "subscriptions", answers[followers->subscriptions], "slots",
        answers[followers->slots], "standbys", answers[followers->standbys], "standby_hosts", hosts);
}

static belay_follower_answer answer_of(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));
    for (size_t i = 0; text != NULL && i < BELAY_COUNT(answers); i++) {
        if (belay_equal(text, answers[i]))
            return (belay_follower_answer)i;
    }
    return BELAY_FOLLOWERS_ASK;
}

void belay_followers_from_json(const json_t *json, belay_followers *ret)
{
    size_t i;
    json_t *host;
    *ret = (belay_followers){.subscriptions = answer_of(json, "subscriptions"),
        .slots = answer_of(json, "slots"),
        .standbys = answer_of(json, "standbys")};
    json_array_foreach(json_object_get(json, "standby_hosts"), i, host)
    {
        if (json_is_string(host))
            belay_list_add(&ret->standby_hosts, json_string_value(host));
    }
}
