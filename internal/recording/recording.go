package recording

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
	"unicode/utf8"
)

// Read returns an error if a recording exceeds one of these limits.
const (
	MaxSize  = 64 << 20       // bytes of the recording
	MaxLine  = 4 << 20        // bytes of a line
	MaxLines = 300_000        // without blank ones
	MaxGap   = 24 * time.Hour // between two lines of a response
)

// limits are the limits of a recording that are not about single fields.
type limits struct{ size, line, lines int }

var readLimits = limits{MaxSize, MaxLine, MaxLines}

// An End says how a response ended.
type End string

// These are the ends of a response.
const (
	EOF    End = "eof"    // the body ended cleanly
	Cut    End = "cut"    // the connection was lost
	Reset  End = "reset"  // the server reset the connection
	Closed End = "closed" // the client stopped reading
)

// A Response is a recorded response.
type Response struct {
	Gap    time.Duration // from the request to the header
	Method string
	URL    string
	Status int
	Header http.Header
	Chunks []Chunk
	EndGap time.Duration // from the last chunk to the end
	End    End
}

// A Chunk is a part of the body that was received at once.
type Chunk struct {
	Gap  time.Duration // since the chunk before or the header
	Data []byte
}

// A line is a line of a recording.
type line struct {
	Response *int        `json:"response,omitempty"`
	Version  int         `json:"version,omitempty"`
	Gap      int64       `json:"gap"`
	Method   string      `json:"method,omitempty"`
	URL      string      `json:"url,omitempty"`
	Status   int         `json:"status,omitempty"`
	Header   http.Header `json:"header,omitempty"`
	Text     *string     `json:"text,omitempty"`
	Base64   *[]byte     `json:"base64,omitempty"`
	End      End         `json:"end,omitempty"`
}

// Read reads a recording. The responses are in the order of their headers.
func Read(r io.Reader) ([]Response, error) {
	return read(r, readLimits)
}

func read(r io.Reader, max limits) ([]Response, error) {
	limited := &io.LimitedReader{R: r, N: int64(max.size) + 1}
	scanner := bufio.NewScanner(limited)
	scanner.Buffer(nil, max.line)
	p := parser{index: map[int]int{}}
	n, lines := 0, 0
	for scanner.Scan() {
		n++
		if limited.N == 0 {
			return nil, fmt.Errorf("recording is larger than %d bytes", max.size)
		}
		text := bytes.TrimSpace(scanner.Bytes())
		if len(text) == 0 {
			continue
		}
		if lines++; lines > max.lines {
			return nil, fmt.Errorf("recording has more than %d lines", max.lines)
		}
		var l line
		err := typeError(json.Unmarshal(text, &l))
		if err == nil {
			err = p.add(l)
		}
		if err != nil {
			return nil, fmt.Errorf("recording: line %d: %w", n, err)
		}
	}
	switch err := scanner.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, fmt.Errorf("recording: line %d is longer than %d bytes", n+1, max.line)
	case err != nil:
		return nil, fmt.Errorf("recording: %w", err)
	case len(p.responses) == 0:
		return nil, errors.New("recording contains no response")
	}
	for i := range p.responses {
		if p.responses[i].End == "" {
			p.responses[i].End = Closed
		}
	}
	return p.responses, nil
}

// typeError returns err without the names of Go types, if it reports a JSON value of another type.
func typeError(err error) error {
	var t *json.UnmarshalTypeError
	switch {
	case !errors.As(err, &t):
		return err
	case t.Field == "":
		return errors.New("not a JSON object")
	}
	return fmt.Errorf("the field %q must not be a JSON %s", t.Field, t.Value)
}

// A parser collects the lines of a recording.
type parser struct {
	responses []Response
	index     map[int]int // index into responses, by number
}

func (p *parser) add(l line) error {
	gap := time.Duration(l.Gap) * time.Millisecond
	if l.Gap < 0 || l.Gap > MaxGap.Milliseconds() {
		return fmt.Errorf("gap is not between 0 and %d", MaxGap.Milliseconds())
	}
	number := 1
	if l.Response != nil {
		number = *l.Response
	}
	i, ok := p.index[number]
	if l.Status != 0 || l.Version != 0 {
		if ok {
			return fmt.Errorf("response %d has two headers", number)
		}
		p.index[number] = len(p.responses)
		return p.addHeader(l, gap)
	}
	if !ok {
		return fmt.Errorf("response %d has no header", number)
	}
	return p.addBody(&p.responses[i], l, gap)
}

func (p *parser) addHeader(l line, gap time.Duration) error {
	switch {
	case l.Version != 1:
		return fmt.Errorf("version is %d, want 1", l.Version)
	case l.Status < 200 || l.Status > 999:
		return errors.New("status is not between 200 and 999")
	case l.Text != nil || l.Base64 != nil || l.End != "":
		return errors.New("header and body must be in different lines")
	}
	p.responses = append(p.responses, Response{
		Gap: gap, Method: l.Method, URL: l.URL, Status: l.Status, Header: l.Header,
	})
	return nil
}

func (p *parser) addBody(r *Response, l line, gap time.Duration) error {
	fields := 0
	for _, ok := range []bool{l.Text != nil, l.Base64 != nil, l.End != ""} {
		if ok {
			fields++
		}
	}
	switch {
	case fields != 1:
		return errors.New(`want exactly one of "status", "text", "base64" and "end"`)
	case r.End != "":
		return errors.New("response has already ended")
	case l.End != "":
		if l.End != EOF && l.End != Cut && l.End != Reset && l.End != Closed {
			return fmt.Errorf("unknown end %q", l.End)
		}
		r.End, r.EndGap = l.End, gap
		return nil
	}
	c := Chunk{Gap: gap}
	if l.Text != nil {
		c.Data = []byte(*l.Text)
	} else {
		c.Data = *l.Base64
	}
	r.Chunks = append(r.Chunks, c)
	return nil
}

// Write writes a recording of responses, which are numbered from 1.
func Write(w io.Writer, responses []Response) error {
	for i, r := range responses {
		n := i + 1
		lines := []line{headerLine(n, r)}
		for _, c := range r.Chunks {
			lines = append(lines, chunkLine(n, c))
		}
		lines = append(lines, line{Response: &n, Gap: r.EndGap.Milliseconds(), End: r.End})
		for _, l := range lines {
			if err := writeLine(w, l); err != nil {
				return err
			}
		}
	}
	return nil
}

func headerLine(n int, r Response) line {
	return line{
		Response: &n, Version: 1, Gap: r.Gap.Milliseconds(),
		Method: r.Method, URL: r.URL, Status: r.Status, Header: r.Header,
	}
}

func chunkLine(n int, c Chunk) line {
	l := line{Response: &n, Gap: c.Gap.Milliseconds()}
	if utf8.Valid(c.Data) {
		text := string(c.Data)
		l.Text = &text
	} else {
		l.Base64 = &c.Data
	}
	return l
}

// writeLine writes l in one call of Write.
func writeLine(w io.Writer, l line) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(l); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}
