#include "restore/estimate.h"

/* So many proofs make a rate. Loading, indexes and comparing take several times what reading took. */
enum { PROOFS = 3, TIMES_A_SNAPSHOT = 3 };
/* Checked as a whole first, then its rows. */
enum { TIMES_READ = 2 };

static const struct {
    const char *name;
    const char *text;
} bases[] = {
    [BELAY_BY_OWN_PROOF] = {"own_proof", "the time that its proof took"},
    [BELAY_BY_OTHER_PROOFS] = {"other_proofs", "at the rate of earlier proofs of this target"},
    [BELAY_BY_SNAPSHOT] = {"snapshot",
        "a guess from the time that the snapshot took: nothing was proven yet"},
    [BELAY_BY_RATE] = {"rate", "as long as the store's limit (rate) makes it"},
};

const char *belay_estimate_basis_name(belay_estimate_basis basis)
{
    return bases[basis].name;
}

void belay_estimate_done(belay_estimate *estimate)
{
    free(estimate->from);
    *estimate = (belay_estimate){0};
}

/* Proofs of other snapshots; false when there is none. */
static bool by_others(
    const belay_snapshot_info *info, const belay_snapshot_info *all, size_t count, belay_estimate *ret)
{
    double seconds = 0;
    double bytes = 0;
    size_t used = 0;
    for (size_t i = 0; i < count && used < PROOFS; i++) {
        if (all[i].proof_seconds <= 0 || all[i].raw_bytes == 0)
            continue;
        if (used++ == 0)
            ret->from = belay_strdup(all[i].id);
        seconds += all[i].proof_seconds;
        bytes += (double)all[i].raw_bytes;
    }
    if (used == 0)
        return false;
    ret->basis = BELAY_BY_OTHER_PROOFS;
    ret->seconds = seconds * (double)info->raw_bytes / bytes;
    return true;
}

static bool by_past(
    belay_store *store, const belay_snapshot_info *info, belay_estimate *ret, belay_error *err)
{
    belay_snapshot_info *all = NULL;
    size_t count = 0;
    if (info->proof_seconds > 0) {
        *ret = (belay_estimate){info->proof_seconds, BELAY_BY_OWN_PROOF, belay_strdup(info->id)};
        return true;
    }
    if (!belay_snapshot_list(store, info->target, &all, &count, err))
        return false;
    if (!by_others(info, all, count, ret))
        *ret = (belay_estimate){TIMES_A_SNAPSHOT * info->seconds, BELAY_BY_SNAPSHOT, NULL};
    belay_snapshot_list_free(all, count);
    return true;
}

/* Earlier proofs may have read a store without that limit. */
static void bound_by_rate(const belay_store *store, const belay_snapshot_info *info, belay_estimate *estimate)
{
    double least =
        store->bytes_per_s == 0 ? 0 : TIMES_READ * (double)info->bytes / (double)store->bytes_per_s;
    if (least <= estimate->seconds)
        return;
    estimate->seconds = least;
    estimate->basis = BELAY_BY_RATE;
}

bool belay_estimate_restore(
    belay_store *store, const belay_snapshot_info *info, belay_estimate *ret, belay_error *err)
{
    if (!by_past(store, info, ret, err))
        return false;
    bound_by_rate(store, info, ret);
    return true;
}

/* One number and its unit, or two where the larger is small. */
static char *duration(double seconds)
{
    long long whole = (long long)(seconds + 0.5);
    if (whole < 120)
        return belay_format("%lld s", whole < 1 ? 1 : whole);
    long long minutes = (whole + 30) / 60;
    return minutes < 120 ? belay_format("%lld min", minutes)
                         : belay_format("%lld h %lld min", minutes / 60, minutes % 60);
}

char *belay_estimate_text(const belay_estimate *estimate)
{
    BELAY_AUTO(belay_free) char *time = duration(estimate->seconds);
    return belay_format("about %s, %s", time, bases[estimate->basis].text);
}
