package check

import "slices"

// A Rule describes what a [Finding] with its name means.
type Rule struct {
	Name     string   `json:"name"`
	Severity Severity `json:"severity"` // the highest severity of its findings
	Section  string   `json:"section"`  // of the HTML standard
	Reason   string   `json:"reason"`   // why it matters
}

// Rules returns the rules of [Response]: first those about the response, then those
// about the stream as a whole, then those about lines.
func Rules() []Rule { return slices.Clone(rules) }

var rules = []Rule{
	{"redirect", Info, "9.2.3",
		"Each reconnection starts at the first URL, and a redirect to another host loses credentials."},
	{"redirect-to-get", Warning, "9.2.3",
		"The request after the redirect has another method than the first one, and no body."},
	{"no-content", Info, "9.2.3", "A client that receives 204 No Content does not reconnect."},
	{"status", Error, "9.2.3", "Clients accept only a response with status 200."},
	{"content-type", Error, "9.2.3",
		"Clients refuse a response whose media type is not text/event-stream."},
	{"multiple-content-types", Warning, "9.2.3",
		"If a response has several media types, it depends on the client which of them counts."},
	{"charset", Warning, "9.2.5", "An event stream is always decoded as UTF-8."},
	{"cacheable", Warning, "9.2.3",
		"A cache that stores the stream returns old events, or waits for the end of the response."},
	{"missing-cache-control", Info, "9.2.3",
		"Without Cache-Control, a cache may decide by itself to store the stream."},
	{"x-accel-buffering", Warning, "9.2.7",
		"With any value but no, nginx may buffer the response, which delays events."},
	{"missing-x-accel-buffering", Info, "9.2.7",
		"Without this header, nginx buffers the response by default, which delays events."},
	{"content-length", Warning, "9.2.7",
		"A response with a known length was complete before it was sent, so events were delayed."},
	{"compressed", Info, "9.2.7",
		"A compressor that is not flushed after each event delays events."},
	{"not-decoded", Warning, "9.2.5",
		"If a request sets Accept-Encoding itself, net/http does not decode the body."},
	{"unrequested-encoding", Error, "9.2.5",
		"Clients cannot decode a content coding that they did not request."},
	{"unknown-encoding", Info, "9.2.5",
		"Browsers ignore a Content-Encoding that is not a content coding; other clients may refuse it."},

	{"invalid-gzip", Error, "9.2.5", "Clients cannot decode the body."},
	{"connection-lost", Error, "9.2.3",
		"The response did not end cleanly, so the server or a proxy failed or gave up."},
	{"empty-body", Warning, "9.2.3",
		"Clients reconnect after the end of the stream, so they reconnect again and again."},
	{"no-events", Warning, "9.2.6", "A stream that ends without an event has no effect on a client."},
	{"compression-stalled", Warning, "9.2.7",
		"A compressor that is not flushed keeps events until its buffer is full."},
	{"no-data", Info, "9.2.7", "A buffer on the way may delay events."},
	{"no-blank-line", Error, "9.2.6", "Clients dispatch an event only after a blank line."},
	{"no-line-ending", Error, "9.2.5", "Clients parse a line only after its line ending."},
	{"incomplete-event", Error, "9.2.6",
		"Clients discard an event that is not followed by a blank line."},
	{"stream-ended", Info, "9.2.3", "Clients of a GET request reconnect after the end of the stream."},
	{"silence", Info, "9.2.7", "Proxies close connections that transfer nothing for some time."},
	{"no-ids", Info, "9.2.4",
		"Without IDs, clients cannot tell the server where to resume, so events may be lost."},
	{"ambiguous-space", Warning, "9.2.6",
		"Clients remove one space after the colon, even if it was meant to be part of the value."},
	{"mixed-line-endings", Info, "9.2.5",
		"Different line endings in one stream suggest that a program on the way changed it."},

	{"cr-line-ending", Warning, "9.2.5",
		"The standard allows a CR alone as a line ending, but many clients do not support it."},
	{"byte-order-mark", Info, "9.2.5", "Clients skip a byte order mark, so it has no effect."},
	{"invalid-utf-8", Error, "9.2.5", "Clients replace invalid UTF-8 by U+FFFD, so data is lost."},
	{"invalid-utf-8-comment", Info, "9.2.5", "Clients ignore comments, but strict decoders may fail."},
	{"malformed-line", Error, "9.2.6", "Clients ignore a line that is not a field."},
	{"misspelled-field", Error, "9.2.6",
		"Clients ignore a field whose name is not exactly data, event, id or retry."},
	{"unknown-field", Warning, "9.2.6", "Clients ignore all fields except data, event, id and retry."},
	{"event-without-data", Warning, "9.2.6", "Clients do not dispatch an event without a data field."},
	{"multiple-json-values", Warning, "9.2.6",
		"Clients receive all data lines of an event as one text, which is not valid JSON."},
	{"large-event", Info, "9.2.6", "Some clients refuse long lines or large events."},
	{"duplicate-event-field", Warning, "9.2.6",
		"Only the last event field of an event counts. A blank line may be missing before it."},
	{"event-type-whitespace", Warning, "9.2.6",
		"Whitespace is part of the event type, so a listener for the bare type is not called."},
	{"reserved-event-type", Info, "9.2.2",
		"EventSource dispatches events of these types itself, so listeners cannot tell them apart."},
	{"duplicate-id-field", Warning, "9.2.6",
		"Only the last id field of an event counts. A blank line may be missing before it."},
	{"event-without-id", Info, "9.2.4",
		"An event without an ID is sent again if the client reconnects after it."},
	{"duplicate-id", Warning, "9.2.4",
		"A server cannot tell which event with this ID a client received last."},
	{"id-reset", Info, "9.2.6", "After an empty id field, clients resume from the start."},
	{"id-nul", Error, "9.2.6", "Clients ignore an id field with a NUL."},
	{"id-control-character", Warning, "9.2.4",
		"A header cannot carry control characters, so clients cannot send this ID back."},
	{"id-whitespace", Warning, "9.2.4",
		"A header does not preserve whitespace around a value, so the server receives another ID."},
	{"long-id", Warning, "9.2.4", "Many servers and proxies refuse requests with long headers."},
	{"invalid-retry", Error, "9.2.6", "Clients ignore a retry field that is not a number."},
	{"short-retry", Warning, "9.2.6",
		"If the server restarts, all clients reconnect at almost the same moment."},
	{"long-retry", Warning, "9.2.6",
		"Clients that lose the connection do not reconnect for a long time."},
}

func ruleNamed(name string) (Rule, bool) {
	i := slices.IndexFunc(rules, func(r Rule) bool { return r.Name == name })
	if i < 0 {
		return Rule{}, false
	}
	return rules[i], true
}
