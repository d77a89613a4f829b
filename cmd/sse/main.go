// Command sse follows an event stream (server-sent events) and shows what
// it says: events as they come, what happens to the connection, and a summary.
// It reconnects and resumes as a browser does. Its flags are curl's where
// curl has them; "sse --help" lists them.
//
// Its exit codes are 0 when what was asked is done, 1 when the stream ended
// with an error, 2 for a command line that can't be understood, 22 for an
// HTTP error, 28 for a timeout, and 130 when it was interrupted (143:
// terminated).
//
// On a terminal each event is shown with its time and the gap before it, above
// a status line. On a pipe an event is a line, written at once: type, id ("-"
// for none) and data, with tabs between; a line end in the data is shown as
// \n, other control characters as \x1b. --json, --data, --field and --raw are
// other forms, and exact. With --data, data of several lines is printed as
// those lines. --raw prints what was read, so more than -n events may show.
//
// Like curl, -d @file leaves out the file's line ends (--data-binary keeps
// them), -H 'Name:' removes a header, and a URL without a scheme is http. Unlike
// curl, a body that is a JSON object or array is sent as application/json
// unless -H says otherwise. The flags -L, -N, -f, -S, -i and --compressed are
// accepted, and change nothing: they are always so here, or have no use.
//
// --for ends the run with exit code 0. --until ends it, with 0 too, before an
// event whose data is just that text; a stream that ends without it is an error.
// --state keeps the last event ID in a file, stored after the event was printed:
// a run that is killed may print the last few events again, and never loses one.
// -o begins its file anew when the stream is open, and with --state adds to it.
//
// The summary is printed to standard error: on a terminal always, on a pipe
// with --summary. -s silences everything on standard error but the error that
// ends the run, and a --summary that was asked for.
package main

import (
	"context"
	_ "embed"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// stdio is what the command has of the world.
type stdio struct {
	in       io.Reader
	out, err *os.File
	getenv   func(string) string
}

func main() {
	os.Exit(run(os.Args[1:], stdio{os.Stdin, os.Stdout, os.Stderr, os.Getenv}))
}

//go:embed help.txt
var help string

func run(args []string, std stdio) int {
	ctx, stop := signals(context.Background())
	defer stop()
	if len(args) == 0 {
		return usage(std, "no URL")
	}
	for _, arg := range args {
		if arg == "--" {
			break
		}
		if arg == "--help" || arg == "-h" || arg == "-help" {
			return say(std, help)
		}
	}
	switch args[0] {
	case "help":
		return say(std, help)
	case "--version", "-V", "-version", "version":
		return say(std, "sse "+version()+"\n")
	case "demo":
		return demo(ctx, args[1:], std)
	case "serve":
		return serve(ctx, args[1:], std)
	case "check":
		return check(ctx, args[1:], std)
	}
	o, err := parseArgs(args, append(requestFlags, streamFlags...), std.in)
	if err != nil {
		return usage(std, err.Error())
	}
	return follow(ctx, o, std, nil)
}

// say prints text, which is all that was asked for.
func say(std stdio, text string) int {
	if _, err := io.WriteString(std.out, text); err != nil {
		complain(std.err, outputError{err})
		return exitError
	}
	return exitDone
}

// signals returns a context that the first signal ends; the second one ends
// the process, as ever.
func signals(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case sig := <-c:
			signal.Stop(c)
			cancel(interrupted{sig})
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}
