package serve

import (
	"net/http"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/streamwriter"
)

// weirdStream contains the unusual cases of the standard's section on parsing. The data of each
// event says what it shows.
const weirdStream = "\ufeff:a byte order mark was before this comment\n" +
	"data: this event ends with carriage returns alone\r\r" +
	"data: and this one with CRLF\r\n\r\n" +
	"data:no space after the colon\n\n" +
	"data:  of two spaces one is dropped\n\n" +
	"data:\ta tab is not\n\n" +
	"data\n\n" + // a field without a colon; the data is empty
	"data: a line ends at CR,\rdata: at CRLF,\r\ndata: and at LF\n\n" +
	"data: not at U+0085 (\u0085), U+2028 (\u2028), VT (\v) or FF (\f)\n\n" +
	"event: nobody sees this type\n\n" + // without data, no event is dispatched
	"data: the type of the block before is forgotten\n\n" +
	"event: odd type: with a colon\ndata: a type may hold nearly anything\n\n" +
	"id: id with spaces \ndata: so may an id; its space at the end stays\n\n" +
	"data: an id stays until the next one\n\n" +
	"id: bad\x00id\ndata: an id with NUL in it is ignored\n\n" +
	"id: id-only\n\n" +
	"data: the block before had only an id, and it counts\n\n" +
	"id\ndata: an empty id resets it\n\n" +
	"Data: no\ndata : no\n data: no\nunknown: no\nno field at all\n" +
	"data: names are exact, the rest is ignored\n\n" +
	"data: NUL (\x00) stays, invalid bytes (\xff \xc3( \xed\xa0\x80) become U+FFFD\n\n" +
	"retry: 1s\nretry: -1\nretry:\nretry: 2000\n" +
	"data: only one of the four retry fields counted\n\n" +
	"data: control characters: \x1b[31mred?\x1b[m \x07 \x7f \u009b31m \u202eesrever\n\n" +
	": a comment \xff\n:\n::\n" +
	"id: end\ndata: the next one is cut off, and must not be seen\n\n" +
	"data: this must not be seen"

// weird sends weirdStream. After it, it responds with 204.
func (s *exampleServer) weird(out *streamwriter.Writer) {
	if out.Request.Header.Get("Last-Event-ID") == "end" {
		out.Response.WriteHeader(http.StatusNoContent)
		return
	}
	out.Start()
	out.Raw(weirdStream)
}
