package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/inspect"
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
	if err == nil {
		err = checkConflicts(o)
	}
	if err == nil && len(targets) > 0 {
		err = setOnlyURL(o, targets)
	}
	if err != nil {
		return printUsage("inspect", err)
	}
	i.NoReconnect, i.IdleTimeout, i.MaxEventSize = o.NoReconnect, o.IdleTimeout, o.MaxEventSize
	return inspect.Run(ctx, i)
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
