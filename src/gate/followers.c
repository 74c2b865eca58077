#include "gate/followers.h"

#include "util/json.h"

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
    json_t *hosts = belay_json_of_list(&followers->standby_hosts);
    return json_pack("{s:s, s:s, s:s, s:o}", "subscriptions", answers[followers->subscriptions], "slots",
        answers[followers->slots], "standbys", answers[followers->standbys], "standby_hosts", hosts);
}

static belay_follower_answer answer_of(const json_t *json, const char *key)
{
    const char *text = belay_json_text(json, key);
    for (size_t i = 0; text != NULL && i < BELAY_COUNT(answers); i++) {
        if (belay_equal(text, answers[i]))
            return (belay_follower_answer)i;
    }
    return BELAY_FOLLOWERS_ASK;
}

void belay_followers_from_json(const json_t *json, belay_followers *ret)
{
    *ret = (belay_followers){.subscriptions = answer_of(json, "subscriptions"),
        .slots = answer_of(json, "slots"),
        .standbys = answer_of(json, "standbys")};
    belay_json_to_list(json_object_get(json, "standby_hosts"), &ret->standby_hosts);
}
