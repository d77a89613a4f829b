package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

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
		Parse:   parsePasted,
		Stdout:  o.Stdout,
		Stderr:  o.Stderr,
	}
	targets, err := newFlagParser(inspectFlags(i), o).parse(args)
	if err == nil && o.HTTP1 && o.HTTP2 {
		err = errors.New("--http1.1 and --http2 exclude each other")
	}
	if err == nil && len(targets) > 0 {
		err = setOnlyURL(o, targets)
	}
	if err != nil {
		return usageOf("inspect", err)
	}
	i.NoReconnect, i.IdleTimeout, i.MaxEventSize = o.NoReconnect, o.IdleTimeout, o.MaxEventSize
	return inspect.Run(ctx, i)
}

// setOnlyURL sets the URL of o to the only element of targets.
func setOnlyURL(o *options, targets []string) error {
	if len(targets) != 1 {
		return errors.New("more than one URL")
	}
	u, err := request.ParseURL(targets[0])
	if err == nil {
		o.SetURL(u)
	}
	return err
}

// inspectFlags returns the flags of sse inspect, which also set the options in i.
func inspectFlags(i *inspect.Options) []flagDef {
	return append(slices.Clone(inspectRequestFlags),
		flagDef{names: "listen", value: true, set: func(_ *options, v string) error {
			i.Listen = v
			return nil
		}},
		flagDef{names: "memory", value: true, set: func(_ *options, v string) (err error) {
			if i.Memory, err = units.ParseSize(v); err == nil && i.Memory < inspect.MinMemory {
				err = fmt.Errorf("want at least %d MiB", inspect.MinMemory>>20)
			}
			return err
		}},
		flagDef{names: "open", set: func(*options, string) error { i.Open = true; return nil }},
	)
}
