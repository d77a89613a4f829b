module github.com/seed-0d85b69d/sse/internal/browser

go 1.25

require github.com/seed-0d85b69d/sse v0.0.0

require github.com/cenkalti/backoff/v4 v4.3.0

replace github.com/seed-0d85b69d/sse => ../..
