#!/bin/sh
# How lines are indexed, before the first one comes; then what Kibana shows. Run once, again does no harm.
set -eu
curl -fsS -X PUT "$ELASTICSEARCH/_index_template/shop" -H 'Content-Type: application/json' --data-binary @/setup/template.json
curl -fsS -X POST "$KIBANA/api/saved_objects/_import?overwrite=true" -H 'kbn-xsrf: setup' --form file=@/setup/kibana.ndjson
