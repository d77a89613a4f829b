module github.com/seed-0d85b69d/sse/examples

go 1.26.0

replace github.com/seed-0d85b69d/sse => ../

require (
	github.com/google/go-cmp v0.7.0
	github.com/seed-0d85b69d/sse v0.0.0
)

require github.com/cenkalti/backoff/v4 v4.3.0 // indirect
