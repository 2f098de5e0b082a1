-- noqa: disable=PRS
{{ bytes_source(source('kafka', 'dispatch')) }}
