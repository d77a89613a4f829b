package main

import (
	"context"
	"errors"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/inspect"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/request"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/units"
)

// runInspect executes sse inspect.
func runInspect(ctx context.Context, args []string) int {
	o := newOptions()
	i := &inspect.Options{
		Request: &o.Options,
		Memory:  inspect.DefaultMemory,
		Stdout:  o.Stdout,
		Stderr:  o.Stderr,
	}
	targets, err := newFlagParser(inspectFlags(i), o).parse(args)
	switch {
	case err != nil:
	case o.HTTP1 && o.HTTP2:
		err = errors.New("--http1.1 and --http2 exclude each other")
	case len(targets) > 1:
		err = errors.New("more than one URL")
	case len(targets) == 1:
		u, parseErr := request.ParseURL(targets[0])
		if parseErr != nil {
			err = parseErr
			break
		}
		o.SetURL(u)
	}
	if err != nil {
		return usageOf("inspect", err)
	}
	i.NoReconnect, i.IdleTimeout, i.MaxEventSize = o.NoReconnect, o.IdleTimeout, o.MaxEventSize
	return inspect.Run(ctx, i)
}

// inspectFlags returns the flags of sse inspect, which set the options in i.
func inspectFlags(i *inspect.Options) []flagDef {
	return append(inspectRequestFlags[:len(inspectRequestFlags):len(inspectRequestFlags)],
		flagDef{names: "listen", value: true, set: func(_ *options, v string) error {
			i.Listen = v
			return nil
		}},
		flagDef{names: "memory", value: true, set: func(_ *options, v string) (err error) {
			i.Memory, err = units.ParseSize(v)
			return err
		}},
		flagDef{names: "open", set: func(*options, string) error {
			i.Open = true
			return nil
		}},
	)
}
