-- A shop that is busy for days: orders numbered from 1, each with the twenty lines that an order of the real one leaves.

COPY (
    WITH kinds(n, service, message) AS (
        SELECT generate_subscripts(kinds, 1) - 1, unnest(kinds)[1], unnest(kinds)[2]
        FROM (SELECT [
            ['order-service', 'POST /orders'], ['order-service', 'told order_placed'],
            ['inventory-service', 'handling order_placed'], ['inventory-service', 'told stock_reserved'],
            ['order-service', 'handling stock_reserved'], ['order-service', 'told order_confirmed'],
            ['notification-service', 'handling order_confirmed'], ['outside', 'POST /payments/charges'],
            ['order-service', 'saga charge'], ['outside', 'mail arrived'], ['notification-service', 'email sent'],
            ['order-service', 'told order_paid'], ['inventory-service', 'handling order_paid'],
            ['notification-service', 'handling order_paid'], ['outside', 'POST /carrier/shipments'],
            ['order-service', 'saga ship'], ['order-service', 'told order_fulfilled'],
            ['inventory-service', 'handling order_fulfilled'], ['notification-service', 'handling order_fulfilled'],
            ['notification-service', 'told notification_sent']
        ] AS kinds)
    )
    SELECT
        strftime(TIMESTAMP '2026-11-01' + to_milliseconds(50 * i), '%Y-%m-%dT%H:%M:%S.%fZ') AS "@timestamp",
        'info' AS "log.level",
        message,
        '8.11.0' AS "ecs.version",
        {'name': service} AS service,
        {'logger': 'labs.services.chassis.handler'} AS log,
        {
            'correlation_id': md5('c' || (i // 20 + 1)),
            'order_id': (i // 20 + 1)::VARCHAR,
            'data': '{"lines": [{"sku": "tea", "quantity": 1}]}'
        } AS labels
    FROM range($lines) AS numbers(i) JOIN kinds ON kinds.n = i % 20
) TO '$path' (FORMAT json);
