// Package recording reads and writes recorded HTTP responses, chunk by chunk.
//
// # Format
//
// A recording is a text file in UTF-8 with one JSON object in each line. Lines
// that contain only whitespace are ignored, and so are fields that are not listed
// here. The field "response" is the number of the response, so that lines of
// concurrent responses may be mixed. If it is missing it is 1.
//
// The first line of a response contains its header. (It is broken here for the
// width of the page.)
//
//	{"response":1,"version":1,"gap":93,"method":"GET","url":"https://example.com/stream",
//	"status":200,"header":{"Content-Type":["text/event-stream"]}}
//
// These are its fields:
//
//   - "version" is the version of the format. This package supports 1.
//   - "gap" is the time in milliseconds since the line before of the same response,
//     here since the request. If it is missing it is 0.
//   - "method" and "url" describe the request. They are for the reader of the file
//     only and may be missing.
//   - "status" is the status code, from 200 to 999.
//   - "header" contains the header fields, each with a list of values.
//
// Each of the following lines contains bytes of the body that were received at
// once:
//
//	{"response":1,"gap":250,"text":"data: hello\n\n"}
//	{"response":1,"gap":0,"base64":"//4="}
//
// They have "gap" and one of these fields:
//
//   - "text" contains the bytes if they are valid UTF-8.
//   - "base64" contains the bytes otherwise, in standard encoding with padding.
//
// The last line says how the response ended:
//
//	{"response":1,"gap":17,"end":"eof"}
//
// These are the ends:
//
//   - "eof": the body ended cleanly.
//   - "cut": the connection was lost before the end of the body.
//   - "reset": the connection was reset by the server.
//   - "closed": the client stopped reading before the end of the body. This also
//     holds if the line is missing.
//
// # Secrets
//
// The URL is recorded without user information, query and fragment. Values of header
// fields that may contain secrets, such as Set-Cookie, are replaced by "***". The
// header of the request is not recorded. The body is recorded unchanged.
//
// # Limits
//
// A recording may come from anywhere, so [Read] limits its size: see [MaxSize] and
// the constants beside it. [Limit] keeps a recording that is written within these
// limits, so that it can be read.
package recording
