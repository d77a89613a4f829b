// Package sse implements a client for Server-Sent Events (text/event-stream), as sent by the APIs
// of language models, feature-flag services, Mercure hubs and Wikimedia's EventStreams.
//
//	for ev, err := range sse.Get(ctx, "https://example.com/events").All() {
//		if err != nil {
//			return err
//		}
//		fmt.Println(ev.Type, ev.Data)
//	}
//
// # Stream, Reader and Parser
//
// A [Stream], returned by [Get] or [Client.Stream], follows a URL until its context ends or the
// server refuses it for good. It reconnects when a connection ends or fails, waits as long as the
// server asks, and resumes with the Last-Event-ID header. If the server replays events from that
// ID, every event arrives once and in order. Temporary failures are retried without being reported.
// Set Client.OnRetry or Client.Logger to observe them.
//
// A [Reader] reads the events of any io.Reader, such as a response, a file or a pipe.
//
// A [Parser] does no I/O. The caller writes bytes to it, and it returns events.
//
// All three advance with Next, and return the current event in two forms. Event returns strings
// that remain valid, which normally takes one allocation. Data and ID return slices that are valid
// until the next call to Next, and Type returns a cached string. Reading events in this form
// normally allocates nothing.
//
// [Decode] and [DecodeUntilDone] return the events of a Stream or a Reader as typed values. A
// [Transport] gives an idle timeout to code that reads streams without this package, such as an
// SDK.
//
// A [Writer] writes a stream as the response of a handler. [Event.Append], [AppendComment] and
// [AppendRetry] encode events. Package ssetest tests clients and servers without a network and
// without waiting.
//
// The [directory docs] contains recipes for language models, services and operations, a page about
// moving from other libraries, and answers to common questions and error texts.
//
// # Resuming
//
// To resume after a restart, store [Stream.LastEventID] after each event has been handled, and set
// it as the Last-Event-ID header of the next request. No event is lost. At most the event that was
// being handled when the process was killed is delivered twice. To exclude that as well, store the
// ID in the database transaction that contains the effects of the event.
//
// Events that share an ID, or have none, cannot be told apart by the server: those since the last
// ID are repeated. If a service has several replicas, only one of them should follow the stream,
// for example the holder of a lease.
//
// # The standard
//
// The package follows section 9.2 "Server-sent events" of the WHATWG HTML standard. For every
// sequence of bytes, the events are those that the standard dispatches. The directory testdata
// contains a conformance suite that an implementation in any language can run. The package departs
// from the standard on purpose in these points:
//
//   - The last event ID buffer of a new connection starts as the last event ID, not empty, as in
//     every browser.
//   - The statuses 408, 425, 429, 500, 502 to 504, 520 to 524 and 529 are retried. The standard
//     gives up on them.
//   - Each attempt starts at the URL of the request, also after a permanent redirect.
//   - An event larger than MaxEventSize is an error.
//   - An event that is cut by the end of the stream is not delivered, as the standard says, but it
//     is reported: [Reader.Err] returns io.ErrUnexpectedEOF.
//
// # Security
//
// The server is not trusted. MaxEventSize bounds the size of an event. Comments, error bodies and
// the ID that is sent are bounded by 4 KiB each, and waits by one hour plus what Backoff adds.
// Comments, unknown fields and blank lines are skipped as they arrive, whatever their length.
// SECURITY.md lists all bounds.
//
// Errors and log records contain no user information and no query of a URL. Of the request headers
// they contain only Last-Event-ID.
//
// # Compatibility
//
// The two newest releases of Go are supported. Versions follow [Semantic Versioning]. Until version
// 1.0.0, a minor version may contain incompatible changes, which CHANGELOG.md lists.
//
// The following is part of the API, besides the exported names of this package and of ssetest:
//
//   - The flags and the exit codes of the command sse, and what it writes to a pipe: lines with
//     tabs, and JSON with --json or --summary json.
//   - The names of the rules of sse check and ssetest.Check. A minor version may add rules and
//     fields of JSON objects.
//   - The format of recordings, which sse --record and ssetest.Record write. Every later version
//     reads them.
//
// The texts of errors, the output on a terminal and everything below internal are not part of it. A
// change that corrects a departure from the standard is not an incompatible change.
//
// [directory docs]: https://github.com/seed-0d85b69d/sse/tree/main/docs
// [Semantic Versioning]: https://semver.org
package sse
