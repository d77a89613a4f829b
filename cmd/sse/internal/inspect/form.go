package inspect

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/redact"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/request"
	"github.com/seed-0d85b69d/sse/cmd/sse/internal/units"
)

// A Form is the request that the page shows and sends.
type Form struct {
	URL         string      `json:"url"`
	Method      string      `json:"method"`
	Headers     [][2]string `json:"headers"` // pairs of name and value
	Body        string      `json:"body"`
	LastEventID string      `json:"lastEventID"`
	Reconnect   bool        `json:"reconnect"`
	IdleTimeout string      `json:"idleTimeout"` // a duration; if empty, there is no limit
}

// NewForm returns the form of the request that o describes. It changes o. If o has no URL, the form
// has none.
func NewForm(o *request.Options, reconnect bool, idleTimeout time.Duration) (Form, error) {
	o.SetDefaults()
	f := Form{
		Method:    o.Method,
		Headers:   [][2]string{},
		Body:      string(o.Body()),
		Reconnect: reconnect,
	}
	if o.URL != nil {
		f.URL = o.URL.String()
	}
	if idleTimeout > 0 {
		f.IdleTimeout = idleTimeout.String()
	}
	if o.Host() != "" {
		f.Headers = append(f.Headers, [2]string{"Host", o.Host()})
	}
	header := o.Header.Clone()
	if _, ok := header["Authorization"]; o.User != nil && !ok {
		password, _ := o.User.Password()
		credentials := o.User.Username() + ":" + password
		header.Set("Authorization",
			"Basic "+base64.StdEncoding.EncodeToString([]byte(credentials)))
	}
	f.LastEventID = header.Get("Last-Event-ID")
	header.Del("Last-Event-ID")
	for _, name := range slices.Sorted(maps.Keys(header)) {
		for _, value := range header[name] {
			f.Headers = append(f.Headers, [2]string{name, value})
			if !utf8.ValidString(value) {
				return Form{}, errors.New("a header is not valid UTF-8, so the page cannot show it")
			}
		}
	}
	if !utf8.ValidString(f.Body) {
		return Form{}, errors.New("the body is not valid UTF-8, so the page cannot show it")
	}
	return f, nil
}

// A fieldError is an error in one field of a form.
type fieldError struct {
	field string // its JSON name
	err   error
}

// Error returns the text of the error.
func (e *fieldError) Error() string { return e.err.Error() }

// request returns the request of f, which is sent over the connection that base describes, and the
// idle timeout.
func (f *Form) request(base *request.Options) (*request.Options, time.Duration, error) {
	o := base.Connection()
	u, err := f.parseURL()
	if err != nil {
		return nil, 0, &fieldError{"url", err}
	}
	if f.Method != "" {
		if err := o.SetMethod(f.Method); err != nil {
			return nil, 0, &fieldError{"method", err}
		}
	}
	for _, h := range f.Headers {
		if err := setHeader(&o, h[0], h[1]); err != nil {
			return nil, 0, &fieldError{"headers", err}
		}
	}
	if len(f.Body) > maxBody {
		return nil, 0, &fieldError{"body", errors.New("the body is too large")}
	}
	if f.Body != "" {
		o.AddBody([]byte(f.Body))
	}
	if !request.IsHeaderValue(f.LastEventID) {
		return nil, 0, &fieldError{"lastEventID",
			errors.New("an event ID must not contain control characters")}
	}
	o.LastEventID = cmp.Or(strings.Trim(f.LastEventID, " \t"), o.Header.Get("Last-Event-ID"))
	var idle time.Duration
	if f.IdleTimeout != "" {
		if idle, err = units.ParseDuration(f.IdleTimeout); err != nil {
			return nil, 0, &fieldError{"idleTimeout", err}
		}
	}
	o.SetURL(u)
	return &o, idle, nil
}

// parseURL returns the URL of f.
func (f *Form) parseURL() (*url.URL, error) {
	text := strings.TrimSpace(f.URL)
	if text == "" {
		return nil, errors.New("there is no URL")
	}
	return request.ParseURL(text)
}

// setHeader adds a header to o.
func setHeader(o *request.Options, name, value string) error {
	if !request.IsToken(name) {
		return fmt.Errorf("%q is not a valid header name", name)
	}
	if err := o.SetHeader(headerLine(name, value)); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// connectionNotes returns notes about how o changes all requests. They contain no secrets.
func connectionNotes(o *request.Options) []string {
	notes := []string{}
	add := func(isSet bool, note string) {
		if isSet {
			notes = append(notes, note)
		}
	}
	add(o.Insecure, "-k: certificates are not verified")
	add(o.CACert != "", "--cacert: only the certificate authorities in "+o.CACert+" are trusted")
	add(o.Cert != "", "--cert: a client certificate is sent")
	if proxy, err := o.ProxyURL(); err == nil && proxy != nil {
		add(true, "-x: requests are sent through the proxy "+redact.URL(proxy))
	} else {
		add(o.Proxy != nil, "-x: no proxy is used")
	}
	add(o.UnixSocket != "", "--unix-socket: requests are sent to "+o.UnixSocket)
	add(o.HTTP1, "--http1.1: HTTP/2 is not used")
	add(o.HTTP2, "--http2: only HTTP/2 is used")
	add(o.ConnectTimeout > 0, "--connect-timeout: the headers of a response must arrive within "+
		units.Duration(o.ConnectTimeout))
	add(o.Jar != nil, "-b: cookies that servers set are sent with the following requests")
	for _, name := range o.RemovedHeaders() {
		add(true, "-H '"+name+":': the header "+name+" is not sent")
	}
	return notes
}
