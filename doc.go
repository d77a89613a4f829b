// Package sse is a client for server-sent events, text/event-stream: the answers of language models,
// feature flags, Mercure hubs, Wikimedia's EventStreams, and servers of one's own.
//
//	for ev, err := range sse.Get(ctx, "https://example.com/events").All() {
//		if err != nil {
//			return err
//		}
//		fmt.Println(ev.Type, ev.Data)
//	}
//
// # Three layers
//
// A [Stream], from [Get] or [Client.Stream], follows a URL for as long as its context lives and the server
// does not refuse it for good (see [DefaultCheckResponse]): it connects again when a connection ends or
// fails, waits as long as the server asks, and resumes with Last-Event-ID, so that with a server that
// replays every event arrives once, in order. Failures are silent: Client.OnRetry or its Logger tells.
//
// A [Reader] reads the events of any io.Reader: a response that is already there, a file, a pipe.
//
// A [Parser] does no I/O at all: bytes are written to it, and events come out.
//
// All three have Next, which advances to the next event, and two ways to look at it. Event returns
// strings that are safe to keep, in one allocation; in two where a new ID comes with more than 4 KiB of
// data. Data and ID return slices that are borrowed until the next call of Next, and Type a string that
// costs nothing where it is one of the last 16, of at most 64 bytes: no allocation at all.
//
// [Event.Append], [AppendComment] and [AppendRetry] are the way back, for servers and relays.
// Package ssetest has servers with a script, for tests without a network and without waiting.
//
// # Resuming
//
// [Stream.LastEventID] is what the next request will send, and always fit for a header. A service that
// stores it after each event that it has handled, and puts it into the Last-Event-ID header of its
// request when it starts again, loses nothing wherever it was killed, and gets at most the event in
// hand twice; the example of Stream.LastEventID shows how, with a file. With a database, store it in the
// transaction of what the event did: then nothing comes twice. Of several replicas let one follow the
// stream, under a lock or a lease. Events that share an ID, or have none, can't be told apart by the
// server: those since the last ID come again.
//
// # The standard
//
// The rule is the WHATWG HTML standard, section 9.2 "Server-sent events". For every sequence of bytes
// the events are those that the standard dispatches; testdata has a conformance suite that any
// implementation can run. There are these departures, on purpose:
//
//   - The last event ID buffer of a new connection starts as the last event ID, not empty, as in
//     every browser.
//   - 408, 425, 429, 500, 502 to 504, 520 to 524, 529 and failures of the network are tried again, with a growing
//     wait; the standard gives up on the statuses.
//   - Every attempt starts at the request's own URL, also after a permanent redirect.
//   - An event larger than MaxEventSize is an error.
//   - An event that the end of a connection cut is never delivered, as the standard says, but it is
//     reported: [Reader.Err] is io.ErrUnexpectedEOF.
//
// # Security
//
// A server is not trusted. What it can make a client hold or wait is bounded: events, that is data, type
// and ID together, by MaxEventSize; comments, error bodies and the ID that is sent by 4 KiB; waits by one
// hour, plus what Backoff adds. Comments, unknown fields and blank lines are skipped as they come, however
// long. SECURITY.md has the table.
//
// The texts of errors and log records have no user info and no query of a URL, and of the
// request's headers only Last-Event-ID.
package sse
