module github.com/seed-0d85b69d/sse/internal/pty

go 1.25

replace github.com/seed-0d85b69d/sse => ../..

require (
	github.com/creack/pty v1.1.24
	github.com/seed-0d85b69d/sse v0.0.0-00010101000000-000000000000
)

require github.com/cenkalti/backoff/v4 v4.3.0 // indirect
