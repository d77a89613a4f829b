// Command sse follows an event stream (Server-Sent Events) and prints its events.
//
// It reconnects and resumes as a browser does. On a terminal it shows each event with its time and
// the gap before it, what happens to the connection, and a status line. Flags that curl also has
// mean the same as in curl. Run "sse --help" for all flags.
//
// # Output
//
// On a pipe, each event is printed on one line, as soon as it arrives: the type, the ID ("-" if
// there is none) and the data, separated by tabs. A line break in the data is printed as \n, other
// control characters as \x1b. The formats --json, --data and --raw print the exact data. With
// --data, data of several lines is printed on several lines. With --raw, the output may contain
// more events than -n allows, because it contains every byte that was read.
//
// The running text of --field and --text keeps line breaks and tabs. Other control characters are
// printed as \x1b, because a program may show the text on a terminal.
//
// The format --text prints the text of a language model. It knows the events of OpenAI (chat
// completions, which many other services and servers also send, and responses), Anthropic
// (messages) and Gemini. On a terminal it also prints the reasoning, dimmed, and each tool call on
// one line, followed by a summary with the number of tokens. On a pipe it prints only the text, and
// reports tool calls on standard error. The run ends with the final event, because a new request
// would start the model again. It is an error if the stream ends before the model has finished.
//
// With -o, the output goes to a file, which is truncated when the stream is open. With -o and
// --state, the output is appended to the file.
//
// A summary is printed to standard error at the end: always if standard output is a terminal, with
// --summary otherwise. With -s, standard error contains only the error that ended the run, the
// errors that the stream sent, and the summary if --summary is given.
//
// # Requests
//
// As in curl, -d @file omits the line breaks of the file and --data-binary keeps them, -H 'Name:'
// removes a header, and a URL without a scheme is an http URL. Unlike in curl, a body that is a
// JSON object or array is sent as application/json unless -H sets another type. The flags -L, -N,
// -f, -S, -i, -g and --compressed are accepted and have no effect.
//
// A value of -b without "=" is the name of a file with cookies. Such a file, or an empty value,
// also makes the command send the cookies that the server sets with the requests that follow. With
// --retry N, a run ends when N retries in a row have failed, and a POST is repeated as well, unless
// an event without an ID has arrived. -m limits the time of the whole run, not of one attempt.
//
// With --record, the responses are written to a file, without the request's headers and query. sse
// serve replays it, with its gaps, statuses and cuts. The format is that of the package
// github.com/seed-0d85b69d/sse/internal/recording.
//
// With sse inspect, a page sends requests and shows their streams. The flags of a request fill the
// form of the page, and flags such as -k and --cacert apply to all requests. With --listen, other
// machines may reach the page. They need the token in its address.
//
// # End of a run
//
// With --for, -n, --until and --until-type, a run ends with exit code 0. With --until, it ends
// before the event whose data is the given text, with --until-type after an event of a given type,
// and it is an error if the stream ends without such an event.
//
// An event of type error, or whose type ends in .failed, or whose JSON data has a member error with
// a value, is reported on standard error, also with -s. With --field and --text, the exit code is
// then 1.
//
// With --state, the last event ID is kept in a file, and the next run resumes after that event. The
// ID is stored after the event was printed and, if the output is a file, after the output is on the
// disk. Delivery is at least once: after a kill or a power cut the last events may be repeated, but
// no event is lost. If the file has an ID, it takes precedence over --last-event-id.
//
// The file has two lines: the ID, and the URL without user information and without the values of
// its query. A file of another URL is refused. A file with only an ID is accepted for every URL.
//
// The exit codes are:
//
//	0    the run ended as requested, or the server ended the stream
//	1    an error ended the stream, the stream ended before the event that ends the run,
//	     --field found nothing, or sse check found an error
//	2    the command line is invalid
//	22   HTTP error
//	28   timeout, also that of -m
//	130  interrupted
//	143  terminated, by SIGTERM or SIGHUP
package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/check"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/demo"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/errtext"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/follow"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/output"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/request"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/serve"
)

// The texts of --help, of the command and of its subcommands.
var (
	//go:embed help.txt
	help string
	//go:embed help_inspect.txt
	helpInspect string
	//go:embed help_check.txt
	helpCheck string
	//go:embed help_serve.txt
	helpServe string
	//go:embed help_demo.txt
	helpDemo string
)

// Durations that tests shorten.
var (
	hintAfter    = 10 * time.Second
	silenceAfter = 30 * time.Second
	demoPace     = 250 * time.Millisecond
	servePaces   = serve.DefaultPaces
)

func main() { os.Exit(run(os.Args[1:])) }

// run executes the command line and returns the exit code.
func run(args []string) int {
	ctx, stop := notifyContext(context.Background())
	defer stop()
	if len(args) == 0 {
		return printUsage("", errors.New("no URL"))
	}
	for _, arg := range args {
		if arg == "--" {
			break
		}
		if arg == "--help" || arg == "-h" || arg == "-help" {
			return printText(helpFor(args[0]))
		}
	}
	switch args[0] {
	case "help":
		return runHelp(args[1:])
	case "--version", "-V", "-version", "version":
		return printText("sse " + request.Version() + "\n")
	case "demo":
		return runDemo(ctx, args[1:])
	case "serve":
		return runServe(ctx, args[1:])
	case "check":
		return runCheck(ctx, args[1:])
	case "inspect":
		return runInspect(ctx, args[1:])
	}
	if err := checkCommand(args[0]); err != nil {
		return printUsage("", err)
	}
	o, err := parseArgs(args, followFlags)
	if err != nil {
		return printUsage("", err)
	}
	return follow.Run(ctx, o, follow.Hooks{})
}

// runHelp executes sse help. The first of args, if any, is the name of a subcommand.
func runHelp(args []string) int {
	if len(args) == 0 {
		return printText(help)
	}
	text := helpFor(args[0])
	if text == help {
		return printUsage("", fmt.Errorf("%q is not a command: "+
			"the commands are inspect, check, serve and demo", args[0]))
	}
	return printText(text)
}

// runDemo executes sse demo.
func runDemo(ctx context.Context, args []string) int {
	o := newOptions()
	targets, err := newFlagParser(demoFlags, o).parse(args)
	if err == nil && len(targets) > 0 {
		err = errors.New("it starts its own server and takes no URL")
	}
	if err != nil {
		return printUsage("demo", err)
	}
	return demo.Run(ctx, o, demoPace)
}

// runServe executes sse serve.
func runServe(ctx context.Context, args []string) int {
	o := serve.Options{Paces: servePaces, Stdout: os.Stdout, Stderr: os.Stderr}
	for _, arg := range args {
		switch {
		case strings.HasPrefix(arg, "-"):
			return printUsage("serve", errors.New("there are no flags; "+
				"want files, or an address such as 8787 or 0.0.0.0:8787"))
		case isFile(arg):
			o.Files = append(o.Files, arg)
		case o.Addr != "":
			return printUsage("serve", fmt.Errorf("more than one address: %q and %q", o.Addr, arg))
		default:
			o.Addr = arg
		}
	}
	return serve.Run(ctx, o)
}

// isFile reports whether name is the name of a file.
func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && !info.IsDir()
}

// isSocket reports whether name is the name of a Unix socket.
func isSocket(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode()&os.ModeSocket != 0
}

// runCheck executes sse check.
func runCheck(ctx context.Context, args []string) int {
	o := newOptions()
	targets, err := newFlagParser(checkFlags, o).parse(args)
	c := &check.Options{Request: &o.Options}
	switch {
	case err != nil:
	case len(targets) == 1 && targets[0] == "-":
		c.Input = o.Stdin
	case len(targets) == 1 && isFile(targets[0]):
		c.File = targets[0]
	default:
		err = setTarget(o, targets)
	}
	if err != nil {
		return printUsage("check", err)
	}
	c.Duration, c.JSON, c.Color = o.Duration, o.Format == output.FormatJSON, o.Color
	c.Stdout, c.Stderr, c.Getenv = o.Stdout, o.Stderr, o.Getenv
	return check.Run(ctx, c)
}

// helpFor returns the help for the command line that begins with arg.
func helpFor(arg string) string {
	switch arg {
	case "inspect":
		return helpInspect
	case "check":
		return helpCheck
	case "serve":
		return helpServe
	case "demo":
		return helpDemo
	}
	return help
}

// printText prints the text that a flag such as --help asks for.
func printText(text string) int {
	if _, err := io.WriteString(os.Stdout, text); err != nil {
		errtext.Print(os.Stderr, "", errtext.Output(err))
		return errtext.ExitError
	}
	return errtext.ExitDone
}

// printUsage prints what is wrong with the command line, and returns the exit code. If subcommand
// is not empty, the command line is that of a subcommand.
func printUsage(subcommand string, err error) int {
	return errtext.PrintUsage(os.Stderr, subcommand, err)
}

// notifyContext returns a context that the first SIGINT, SIGTERM or SIGHUP cancels, with an
// errtext.Signal as the cause. The second signal ends the process.
func notifyContext(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(hangup) { // as nohup makes it
		signal.Notify(c, hangup)
	}
	go func() {
		select {
		case sig := <-c:
			signal.Stop(c)
			cancel(errtext.Signal{Signal: sig})
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}
