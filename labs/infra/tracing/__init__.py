"""A small collector of traces, for machines on which Jaeger cannot run. It is not Jaeger: it takes what services send to one
(OTLP over HTTP, jaeger-client's Thrift over UDP), keeps it in memory, and answers Jaeger's query API, so that whoever asks need
not know which of the two is there."""
