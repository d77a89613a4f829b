module github.com/seed-0d85b69d/sse/examples

go 1.26.0

replace github.com/seed-0d85b69d/sse => ../

require (
	github.com/openai/openai-go/v3 v3.98.0
	github.com/seed-0d85b69d/sse v0.0.0
)

require (
	github.com/cenkalti/backoff/v4 v4.3.0 // indirect
	github.com/coder/websocket v1.8.15 // indirect
	github.com/tidwall/gjson v1.20.0 // indirect
	github.com/tidwall/match v1.1.1 // indirect
	github.com/tidwall/pretty v1.2.1 // indirect
	github.com/tidwall/sjson v1.2.5 // indirect
)
