-- What can be asked of the logs of one system. $files are its files; process and number stand in their names.

CREATE VIEW lines AS
SELECT *, regexp_extract(filename, '([^/.]+)\.\d+\.log$', 1) AS process
FROM read_json(
    $files, format = 'newline_delimited', filename = true, maximum_object_size = 10000000,
    ignore_errors = true,  -- what is no JSON becomes a row without anything, and is in `other`
    columns = {
        '@timestamp': 'VARCHAR', 'log.level': 'VARCHAR', 'message': 'VARCHAR', 'service': 'JSON', 'log': 'JSON',
        'labels': 'JSON', 'trace': 'JSON', 'span': 'JSON', 'event': 'JSON', 'http': 'JSON', 'url': 'JSON', 'error': 'JSON'
    }
);

CREATE MACRO moment(words) AS make_timestamp(epoch_us(try_cast(words AS TIMESTAMPTZ)));  -- a cast to TIMESTAMP overlooks the offset

CREATE MACRO order_named_in(words) AS nullif(regexp_extract(words, '"order_id": ?"([^"]+)"', 1), '');

-- One row for each line in Elastic Common Schema. Times are in UTC. `began` is when the request came in or the event happened
-- of which the line tells; sorted by it, a cause comes before what it caused, though its line may have been written later.
CREATE VIEW logs AS
SELECT
    moment("@timestamp") AS time,
    coalesce(
        moment(event->>'start'),
        moment("@timestamp") - to_microseconds(try_cast(event->>'duration' AS BIGINT) // 1000),
        moment("@timestamp")
    ) AS began,
    service->>'name' AS service,
    process,
    "log.level" AS level,
    message,
    log->>'logger' AS logger,
    labels->>'correlation_id' AS correlation_id,
    coalesce(trace->>'id', nullif(split_part(labels->>'traceparent', '-', 2), '')) AS trace_id,
    coalesce(span->>'id', nullif(split_part(labels->>'traceparent', '-', 3), '')) AS span_id,
    coalesce(
        labels->>'order_id',
        order_named_in(labels->>'data'),
        nullif(regexp_extract(url->>'path', '^/orders/([^/]+)', 1), ''),
        CASE WHEN message = 'POST /orders' THEN nullif(regexp_extract(http->>'$.response.body.content', '"id": ?"([^"]+)"', 1), '') END,
        order_named_in(http->>'$.request.body.content')
    ) AS order_id,
    event->>'id' AS event_id,
    http->>'$.request.method' AS method,
    url->>'path' AS path,
    url->>'query' AS query,
    try_cast(http->>'$.response.status_code' AS INTEGER) AS status,
    try_cast(event->>'duration' AS BIGINT) / 1e9 AS seconds,
    coalesce(http->>'$.request.body.content', labels->>'data') AS came_in,
    http->>'$.response.body.content' AS went_out,
    event->>'reason' AS reason,
    error->>'type' AS error,
    error->>'message' AS error_message,
    error->>'stack_trace' AS stack_trace,
    labels,
    json_object(
        '@timestamp', "@timestamp", 'log.level', "log.level", 'message', message, 'event', event, 'http', http, 'url', url,
        'error', error, 'labels', labels
    )::VARCHAR AS line
FROM lines
WHERE moment("@timestamp") IS NOT NULL;

-- Every other line as it is: what programs such as RabbitMQ say, tracebacks, what somebody prints.
CREATE VIEW other AS
SELECT regexp_extract(filename, '([^/.]+)\.\d+\.log$', 1) AS process, line
FROM read_csv(
    $files, columns = {'line': 'VARCHAR'}, filename = true, header = false, auto_detect = false, strict_mode = false,
    delim = E'\x01\x02\x01\x03', quote = '', escape = '', max_line_size = 10000000, ignore_errors = true
)
WHERE CASE
    WHEN json_valid(line) THEN json_type(line) <> 'OBJECT' OR moment(json_extract_string(line, '$."@timestamp"')) IS NULL
    ELSE true
END;

-- All that happened because of the same requests as the lines that name this order.
CREATE MACRO story(wanted) AS TABLE
SELECT * FROM logs
WHERE order_id = wanted
    OR correlation_id IN (SELECT correlation_id FROM logs WHERE order_id = wanted)
ORDER BY began, time;
