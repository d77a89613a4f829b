module github.com/seed-0d85b69d/sse/internal/e2e

go 1.26.0

require (
	github.com/cenkalti/backoff/v4 v4.3.0
	github.com/rogpeppe/go-internal v1.14.1
	github.com/seed-0d85b69d/sse v0.0.0
	golang.org/x/net v0.62.0
)

require (
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.43.0 // indirect
	golang.org/x/tools v0.51.0 // indirect
)

replace github.com/seed-0d85b69d/sse => ../..
