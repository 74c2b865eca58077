-- The table that holds 85 % of the rows' bytes: entries :first to :last of :entries; every :details_every-th has details.
SET synchronous_commit = off;
INSERT INTO entries SELECT i, 1 + i * 7919 % (:entries / 20), md5('entry ' || i)::uuid, (i * 104729 % 1000003 - 400000) / 100.0,
    (i * 15485863 % 100000007) / 100.0, timestamptz '2015-01-01Z' + i * interval '97 seconds' + i * 31 % 1000 * interval '1 ms',
    date '2015-01-01' + (i * 97 / 86400)::int + (i % 3)::int, i % 7,
    word(i * 31) || ' ' || word(i * 17 + i / 64) || ' ' || word(i / 7) || ' ' || i * 7919 % 1000000 || ' ' || word(i * 3 + i / 4096),
    initcap(word(i * 13 + i / 640)) || ' & ' || initcap(word(i / 64)) || ' ' || i % 5000,
    CASE WHEN i % :details_every = 0 THEN jsonb_build_object('channel', word(i % 9), 'batch', i / 1000, 'ref', i * 104729 % 10000019, 'checked', i % 11 <> 0,
        'labels', jsonb_build_array(word(i * 7), word(i / 5))) END,
    decode(md5('left ' || i) || md5('right ' || i), 'hex')
    FROM generate_series(:first::bigint, :last) i;
