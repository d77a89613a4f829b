module github.com/seed-0d85b69d/sse/examples

go 1.26.0

replace github.com/seed-0d85b69d/sse => ../
