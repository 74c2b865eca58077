#!/bin/bash
# Loads and plans a graph of 10,000 small files, warm; prints the milliseconds of the best of five.
set -eu
driver=${BELAY_TESTS:?}/graph_driver
folder=$(mktemp -d /tmp/belay_bench.XXXXXX)
trap 'rm -rf "$folder"' EXIT
awk -v folder="$folder" -v count="${COUNT:-10000}" -v quote="'" 'BEGIN {
  for (i = 1; i <= count; i++) {
    file = sprintf("%s/%05d.sql", folder, i)
    parent = (i > 1) ? sprintf("%012x", i - 1) : ""
    printf("-- Change table number %d\n--\n-- Revision ID: %012x\n-- Revises: %s\n", i, i, parent) > file
    printf("-- Create Date: 2025-11-04 12:34:00+00:00\n\n-- belay: upgrade\n") > file
    printf("ALTER TABLE t ADD COLUMN c%d varchar(50) DEFAULT %s%s;\n\n", i, quote, quote) > file
    printf("-- belay: downgrade\nALTER TABLE t DROP COLUMN c%d;\n", i) > file
    close(file)
  }
}'
"$driver" bench "$folder" 5
